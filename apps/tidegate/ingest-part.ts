/**
 * The balance sheet of all ways in: the listeners' books, and those of what comes without a listener (HTTP's /write, INTO,
 * continuous queries, the server's own statistics).
 */
import type { ExtensionHandler } from '#coordinator';
import type { StatementExtension } from '#influxql';
import { BalanceSheet, IngestLedger, type InputStatistics, type RejectSink } from '#inputs';
import type { Clock } from '#kernel';
import { showIngestExtension, showIngestHandler } from './show-ingest.js';

/** See the header. */
export class IngestPart {
  readonly sheet = new BalanceSheet();
  readonly extensions: readonly ExtensionHandler[] = [showIngestHandler(this.sheet)];
  readonly syntax: readonly StatementExtension[] = [showIngestExtension];
  /** POST /write and /api/v2/write. */
  readonly http: IngestLedger;
  /** SELECT INTO that a client runs. */
  readonly into: IngestLedger;
  readonly continuousQueries: IngestLedger;
  /** Statistics that the server stores about itself. */
  readonly monitor: IngestLedger;
  /** Dead letters that are replayed. */
  readonly replays: IngestLedger;

  /** @param rejects keeps what HTTP rejects */
  constructor(clock: Clock, rejects: RejectSink) {
    this.http = new IngestLedger('http', clock, (rejected) => rejects.reject(rejected));
    this.into = new IngestLedger('into', clock);
    this.continuousQueries = new IngestLedger('continuous queries', clock);
    this.monitor = new IngestLedger('monitor', clock);
    this.replays = new IngestLedger('replays', clock);
    const own = [this.http, this.into, this.continuousQueries, this.monitor, this.replays];
    this.sheet.add(() => own);
  }

  statistics(): readonly InputStatistics[] {
    return this.sheet.statistics();
  }
}
