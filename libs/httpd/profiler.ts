/**
 * Profiles of the running server, in the format that Chromium's developer tools open: what /debug/pprof serves. InfluxDB's are
 * Go's, under the same paths.
 */
import { Session } from 'node:inspector';
import { HttpError } from './errors.js';

/** Longest CPU profile. */
const PROFILE_SECONDS_MAX = 300;
const PROFILE_SECONDS_DEFAULT = 30;
/** Bytes between two samples of allocations. */
const HEAP_SAMPLING_BYTES = 32 * 1024;
/** How long allocations are watched. */
const HEAP_SECONDS_DEFAULT = 5;

/** A profile to download. */
export interface Profile {
  readonly fileName: string;
  readonly text: string;
}

/** Takes one profile at a time. */
export class Profiler {
  private isBusy = false;

  /**
   * A profile of a kind, over the time asked for.
   * @param kind what stands behind `/debug/pprof/`
   * @param seconds '' for the default
   * @returns null where there is no such profile
   * @throws HttpError for a time that is none, or while another profile is taken
   */
  async take(kind: string, seconds: string, signal: AbortSignal): Promise<Profile | null> {
    if (kind === 'profile') {
      const waitMs = durationMs(seconds, PROFILE_SECONDS_DEFAULT);
      return this.run(async (session) => {
        await post(session, 'Profiler.enable');
        await post(session, 'Profiler.start');
        await pause(waitMs, signal);
        const { profile } = (await post(session, 'Profiler.stop')) as { profile: unknown };
        return { fileName: 'tidegate.cpuprofile', text: JSON.stringify(profile) };
      });
    }
    if (kind !== 'heap') return null;
    const waitMs = durationMs(seconds, HEAP_SECONDS_DEFAULT);
    return this.run(async (session) => {
      await post(session, 'HeapProfiler.startSampling', { samplingInterval: HEAP_SAMPLING_BYTES });
      await pause(waitMs, signal);
      const { profile } = (await post(session, 'HeapProfiler.stopSampling')) as {
        profile: unknown;
      };
      return { fileName: 'tidegate.heapprofile', text: JSON.stringify(profile) };
    });
  }

  private async run(work: (session: Session) => Promise<Profile>): Promise<Profile> {
    if (this.isBusy) throw HttpError.busyProfiling();
    this.isBusy = true;
    const session = new Session();
    session.connect();
    try {
      return await work(session);
    } finally {
      session.disconnect();
      this.isBusy = false;
    }
  }
}

function durationMs(text: string, defaultSeconds: number): number {
  const seconds = text === '' ? defaultSeconds : Number(text);
  if (!Number.isInteger(seconds) || seconds <= 0 || seconds > PROFILE_SECONDS_MAX)
    throw HttpError.badParameters('invalid seconds');
  return seconds * 1000;
}

function post(session: Session, method: string, parameters: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) =>
    session.post(method, parameters, (error, result) => (error ? reject(error) : resolve(result))),
  );
}

/** Waits, or until the client is gone. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
