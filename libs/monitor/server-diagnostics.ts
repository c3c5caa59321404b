/** The tables that every server has: build, network, runtime, system. @see InfluxDB monitor.Open */
import { availableParallelism, hostname } from 'node:os';
import { formatRfc3339 } from '#influxql';
import { type Clock, formatDurationNs } from '#kernel';
import { type Diagnostics, singleRow } from './statistics.js';

/** What is told of the build. */
export interface BuildFacts {
  /** What clients are told. */
  readonly version: string;
  readonly commit: string;
  readonly branch: string;
}

/** Names of processors as Go has them. */
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Gathers the tables; the time of the call is when the server started. */
export function serverDiagnostics(build: BuildFacts, clock: Clock): () => readonly Diagnostics[] {
  const startedNs = clock.nowNs();
  const startedMs = clock.monotonicMs();
  return () => [
    singleRow('build', {
      Branch: build.branch,
      'Build Time': '',
      Commit: build.commit,
      Version: build.version,
    }),
    singleRow('network', { hostname: hostname() }),
    singleRow('runtime', {
      GOARCH: GO_ARCHITECTURES[process.arch] ?? process.arch,
      GOMAXPROCS: availableParallelism(),
      GOOS: process.platform,
      version: `node ${process.version}`,
    }),
    singleRow('system', {
      PID: process.pid,
      currentTime: formatRfc3339(clock.nowNs()),
      started: formatRfc3339(startedNs),
      uptime: formatDurationNs(BigInt(Math.round((clock.monotonicMs() - startedMs) * 1e6))),
    }),
  ];
}
