/**
 * The books of all listeners together: per listener and in all, `received = stored + rejected + dropped + inFlight`. Feeds SHOW
 * INGEST and the statistics; keeps nothing of its own.
 */
import type { InputStatistics } from './input.js';
import type { IngestLedger, LedgerSnapshot } from './ingest-ledger.js';

/** Ledgers as they are now; listeners come and go. */
export type LedgerSource = () => readonly IngestLedger[];

/** Totals of several listeners, or of one. */
export interface SheetLine {
  readonly listener: string;
  readonly received: number;
  readonly stored: number;
  readonly rejected: number;
  readonly dropped: number;
  readonly inFlight: number;
}

/** See the header. */
export class BalanceSheet {
  private readonly sources: LedgerSource[] = [];

  /** Adds listeners. */
  add(source: LedgerSource): void {
    this.sources.push(source);
  }

  /** The books of every listener, in the order in which they were added. */
  snapshots(): readonly LedgerSnapshot[] {
    return this.sources.flatMap((source) => source().map((ledger) => ledger.snapshot()));
  }

  /** For SHOW STATS, /debug/vars, /metrics and the stored statistics: `ingest` a listener, `ingestLoss` a reason or place of it. */
  statistics(): readonly InputStatistics[] {
    return this.snapshots().flatMap((books) => {
      const { listener, ...totals } = sheetLine(books);
      const losses = [
        ...books.rejected.map((each) => ({ ...each, outcome: 'rejected' })),
        ...books.dropped.map((each) => ({ ...each, outcome: 'dropped' })),
      ];
      return [
        { name: 'ingest', tags: { listener }, values: { ...totals } },
        ...losses.map(({ name: reason, count: points, outcome }) => ({
          name: 'ingestLoss',
          tags: { listener, outcome, reason },
          values: { points },
        })),
      ];
    });
  }
}

/** A listener's books without their reasons. */
export function sheetLine(books: LedgerSnapshot): SheetLine {
  const { listener, received, stored, inFlight } = books;
  return {
    listener,
    received,
    stored,
    rejected: sum(books.rejected),
    dropped: sum(books.dropped),
    inFlight,
  };
}

/** The sum of all listeners; its name is `all`. */
export function sheetTotal(lines: readonly SheetLine[]): SheetLine {
  const total = (of: (line: SheetLine) => number): number =>
    lines.reduce((value, line) => value + of(line), 0);
  return {
    listener: 'all',
    received: total((line) => line.received),
    stored: total((line) => line.stored),
    rejected: total((line) => line.rejected),
    dropped: total((line) => line.dropped),
    inFlight: total((line) => line.inFlight),
  };
}

const sum = (counts: LedgerSnapshot['rejected']): number =>
  counts.reduce((value, { count }) => value + count, 0);
