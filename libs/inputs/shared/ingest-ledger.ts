/**
 * The books of one listener. Everything received ends in exactly one place:
 * `received = stored + rejected + dropped + inFlight`, at every moment. Counts are in points; a piece of input that never
 * became points counts as one. What the kernel dropped counts as received and dropped, one a datagram.
 */
import type { Clock } from '#kernel';

/** A piece of input that was rejected. */
export interface RejectedInput {
  /** `graphite 127.0.0.1:2003` */
  readonly listener: string;
  /** Address of the sender, '' where not known. */
  readonly peer: string;
  /** A fixed phrase: what all input rejected for this has in common. */
  readonly reason: string;
  /** What was wrong with this one, in InfluxDB's words. */
  readonly text: string;
  /** As received; lent for the call. */
  readonly raw: Uint8Array;
  readonly timeNs: bigint;
  /** What has to be known besides the bytes to take it once more; empty where the listener is enough. */
  readonly target: Readonly<Record<string, string>>;
}

/** One of the last that were rejected. */
export interface Offender {
  readonly peer: string;
  readonly reason: string;
  readonly text: string;
  /** The beginning of the input, odd bytes as `\x00`. */
  readonly sample: string;
  readonly timeNs: bigint;
}

/** A reason or place, and how many points. */
export interface LedgerCount {
  readonly name: string;
  readonly count: number;
}

/** The books at one moment. */
export interface LedgerSnapshot {
  readonly listener: string;
  readonly received: number;
  readonly stored: number;
  /** By reason: input that was no good. */
  readonly rejected: readonly LedgerCount[];
  /** By place: good input that was lost. */
  readonly dropped: readonly LedgerCount[];
  readonly inFlight: number;
  /** The last ones first. */
  readonly offenders: readonly Offender[];
}

/** Distinct reasons, and distinct places, that are told apart; further ones count as `other`. */
export const LEDGER_NAMES_MAX = 64;
/** Offenders that are remembered. */
export const OFFENDERS_MAX = 16;
/** Bytes of an offender's input that are shown. */
export const SAMPLE_BYTES_MAX = 128;

/** Key of {@link RejectedInput.target} that says what the bytes are, where they are not what the listener received. */
export const FORM = 'form';
/** Points as lines of line protocol in nanoseconds, for the target's `database` and `retentionPolicy`. */
export const LINE_FORM = 'line protocol';
/** Key of {@link RejectedInput.target} that says why the bytes cannot be taken once more. */
export const UNREPLAYABLE = 'unreplayable';

/** What a rejection says. */
export interface Rejection {
  /** Points, or 1. */
  readonly count?: number;
  readonly reason: string;
  readonly text: string;
  readonly peer: string;
  readonly raw: Uint8Array;
  /** See {@link RejectedInput.target}. */
  readonly target?: Readonly<Record<string, string>>;
}

const PHRASE_LENGTH_MAX = 64;

const latin1 = new TextDecoder('latin1');

/** Books of one listener. */
export class IngestLedger {
  private received = 0;
  private stored = 0;
  private inFlight = 0;
  private readonly rejectedBy = new Map<string, number>();
  private readonly droppedBy = new Map<string, number>();
  /** A ring of the last ones, as they came in: floods are no time to make texts. */
  private readonly offenders: StoredOffender[] = [];
  private offendersSeen = 0;

  /**
   * @param onReject told of every rejection; see RejectSink
   * @param isKept whether it would keep what is rejected for a reason now
   */
  constructor(
    readonly listener: string,
    private readonly clock: Clock,
    private readonly onReject: (rejected: RejectedInput) => void = () => undefined,
    readonly isKept: (reason: string) => boolean = () => true,
  ) {}

  /** Points (or unreadable pieces) came in; each has to be stored, rejected or dropped later. */
  receive(count: number): void {
    this.received += count;
    this.inFlight += count;
  }

  /** Points are on disk. */
  store(count: number): void {
    this.stored += count;
    this.inFlight -= count;
  }

  /** Input is no good: says why, and keeps it as an offender. */
  reject(rejection: Rejection): void {
    this.refuse(rejection.count ?? 1, rejection.reason);
    this.show(rejection);
  }

  /** Good points were lost at `place`: as {@link drop}, and kept as {@link reject} keeps them. */
  lose(rejection: Rejection, place: string): void {
    this.drop(rejection.count ?? 1, place);
    this.show(rejection);
  }

  private show({ reason, text, peer, raw, target = {} }: Rejection): void {
    const timeNs = this.clock.nowNs();
    const sample = raw.slice(0, SAMPLE_BYTES_MAX);
    this.offenders[this.offendersSeen++ % OFFENDERS_MAX] = { peer, reason, text, sample, timeNs };
    this.onReject({ listener: this.listener, peer, reason, text, raw, timeNs, target });
  }

  /**
   * Points that storage refused, or input that is left out by rule (NaN): nothing to show of them.
   * @param reason a fixed phrase, or a text that begins with one
   */
  refuse(count: number, reason: string): void {
    const { rejectedBy } = this;
    add(rejectedBy, rejectedBy.has(reason) ? reason : phraseOf(reason), count);
    this.inFlight -= count;
  }

  /** Good points were lost at `place`. */
  drop(count: number, place: string): void {
    add(this.droppedBy, place, count);
    this.inFlight -= count;
  }

  /** What the kernel dropped before we saw it. */
  dropInKernel(datagrams: number): void {
    this.receive(datagrams);
    this.drop(datagrams, 'kernel');
  }

  snapshot(): LedgerSnapshot {
    const { listener, received, stored, inFlight } = this;
    return {
      listener,
      received,
      stored,
      rejected: counts(this.rejectedBy),
      dropped: counts(this.droppedBy),
      inFlight,
      offenders: this.lastOffenders(),
    };
  }

  private lastOffenders(): readonly Offender[] {
    const { offenders, offendersSeen } = this;
    return offenders.map((_, back) => {
      const found = offenders[(offendersSeen - 1 - back) % OFFENDERS_MAX];
      return { ...found, sample: sampleOf(found.sample) };
    });
  }
}

/** The books of a listener whose rejections go to a sink. */
export function ledgerOf(
  listener: string,
  clock: Clock,
  rejects: {
    reject(rejected: RejectedInput): void;
    isWanted?(listener: string, reason: string): boolean;
  },
): IngestLedger {
  return new IngestLedger(
    listener,
    clock,
    (rejected) => rejects.reject(rejected),
    (reason) => rejects.isWanted?.(listener, reason) ?? true,
  );
}

interface StoredOffender extends Omit<Offender, 'sample'> {
  readonly sample: Uint8Array;
}

function add(to: Map<string, number>, name: string, count: number): void {
  const known = to.get(name);
  if (known !== undefined) to.set(name, known + count);
  else if (to.size < LEDGER_NAMES_MAX) to.set(name, count);
  else to.set('other', (to.get('other') ?? 0) + count);
}

/** What all texts for the same reason begin with. */
export function phraseOf(text: string): string {
  if (text.startsWith('point time ')) return 'outside write window';
  const [phrase = ''] = /^[^:("\d]*/.exec(text) ?? [];
  return phrase.trim().slice(0, PHRASE_LENGTH_MAX) || 'other';
}

const counts = (of: ReadonlyMap<string, number>): readonly LedgerCount[] =>
  [...of].map(([name, count]) => ({ name, count }));

function sampleOf(raw: Uint8Array): string {
  return latin1
    .decode(raw)
    .replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
