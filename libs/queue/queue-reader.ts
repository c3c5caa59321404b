/**
 * One who reads a queue: its place, what it leaves out, what it has delivered and lost. The rule that always holds:
 * `offered + rewound + waiting at the start = delivered + dropped (by reason) + waiting now`, in items.
 */
import type { ReaderState, Skip } from './positions-file.js';
import { type Mark, type QueueRecord, type RecordLog } from './record.js';

/** Counters of a reader, in items since the process started. */
export interface ReaderStatistics {
  offered: number;
  /** Brought back by a rewind. */
  rewound: number;
  delivered: number;
  /** Dropped because the queue was full. */
  droppedFull: number;
  /** Damaged, missing, or never written for an error of the disk. */
  droppedLost: number;
  /** Acknowledged as refused. */
  droppedRefused: number;
}

/** What a reader needs of its queue. */
export interface ReaderQueue {
  readonly log: RecordLog;
  /** Called when something changed that is to be saved, or that makes room. */
  changed(): void;
}

/** How much waits for a reader. */
export interface Backlog {
  readonly bytes: number;
  readonly records: number;
  readonly items: number;
}

/** See the header. One caller at a time. */
export class QueueReader {
  readonly statistics: ReaderStatistics = {
    offered: 0,
    rewound: 0,
    delivered: 0,
    droppedFull: 0,
    droppedLost: 0,
    droppedRefused: 0,
  };
  /** True while newest records are dropped until there is room again. */
  isRefusing = false;
  private position: Mark;
  private skips: Skip[];
  private inFlight: readonly QueueRecord[] = [];
  private generation = 0;
  private wake: (() => void) | null = null;
  private isClosed = false;
  private isReading = false;
  /** Time of the record at the position, while it is known. */
  private nextTimeNs: bigint | null = null;

  constructor(
    readonly name: string,
    private readonly queue: ReaderQueue,
    state: Omit<ReaderState, 'name'>,
  ) {
    this.position = state.position;
    this.skips = [...state.skips];
  }

  /** What is to be saved. */
  get state(): ReaderState {
    return { name: this.name, position: this.position, skips: [...this.skips] };
  }

  get backlog(): Backlog {
    const { end } = this.queue.log;
    let { offset: bytes, records, items } = minus(end, this.position);
    for (const { from, to } of this.skips) {
      const skipped = minus(to, from);
      bytes -= skipped.offset;
      records -= skipped.records;
      items -= skipped.items;
    }
    return { bytes, records, items };
  }

  /** When the oldest waiting record came in; null when none waits. Not before the first read, then its stretch's time. */
  get oldestTimeNs(): bigint | null {
    if (this.backlog.records === 0) return null;
    if (this.nextTimeNs !== null) return this.nextTimeNs;
    const { offset } = this.position;
    return this.queue.log.spans.find((span) => span.end.offset > offset)?.firstTimeNs ?? null;
  }

  /**
   * The next records, about `bytesMax` of them and at least one where one waits. The same again until they are
   * acknowledged; meanwhile they are not dropped.
   */
  async read(bytesMax: number): Promise<readonly QueueRecord[]> {
    const { log } = this.queue;
    while (this.inFlight.length === 0 && !this.isClosed) {
      this.leapSkips();
      const { position, generation } = this;
      if (position.offset >= log.end.offset) return [];
      const until = this.skips[0]?.from.offset ?? Number.POSITIVE_INFINITY;
      this.isReading = true;
      const { records, end } = await log
        .read(position, bytesMax, until)
        .finally(() => (this.isReading = false));
      // Something was dropped meanwhile, perhaps just these.
      if (generation !== this.generation) continue;
      if (records.length === 0) {
        const to = end.offset < until ? end : (this.skips[0]?.from ?? end);
        if (to.offset === position.offset) return [];
        this.lose(to.items - position.items);
        this.position = to;
        this.queue.changed();
        continue;
      }
      let behind = position;
      for (const record of records) {
        this.lose(record.start.items - behind.items);
        behind = record.end;
      }
      this.position = records[0].start;
      this.nextTimeNs = records[0].timeNs;
      this.inFlight = records;
    }
    return this.inFlight;
  }

  /** The records read last are done with. @param refusedItems how many of their items nobody took */
  acknowledge(refusedItems = 0): void {
    const { inFlight, statistics } = this;
    if (inFlight.length === 0) return;
    const items = inFlight.reduce((sum, record) => sum + record.items, 0);
    statistics.delivered += items - refusedItems;
    statistics.droppedRefused += refusedItems;
    this.position = inFlight[inFlight.length - 1].end;
    this.inFlight = [];
    this.nextTimeNs = null;
    this.leapSkips();
    this.queue.changed();
  }

  /** Whether the record that begins at an offset is in flight, or may be in a moment. */
  holds(offset: number): boolean {
    if (this.isReading) return true;
    const last = this.inFlight.at(-1);
    if (last === undefined) return false;
    return offset >= this.inFlight[0].start.offset && offset <= last.start.offset;
  }

  /** Resolves when there is something to read, or when the reader is closed. */
  async waitForRecords(): Promise<void> {
    while (!this.isClosed && this.inFlight.length === 0 && this.backlog.records <= 0) {
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  /**
   * Goes back (or on) to the first record that is still there and not older than a time. Records in flight are given up.
   * @returns items that will come once more; 0 where it went on
   */
  async rewind(timeNs: bigint): Promise<number> {
    const mark = await this.queue.log.markAtTime(timeNs);
    const before = this.backlog.items;
    this.generation++;
    this.inFlight = [];
    this.nextTimeNs = null;
    this.position = mark;
    this.skips = this.skips.filter(({ from }) => from.offset >= mark.offset);
    const again = this.backlog.items - before;
    if (again > 0) this.statistics.rewound += again;
    else this.statistics.droppedRefused -= again;
    this.notify();
    this.queue.changed();
    return Math.max(0, again);
  }

  /** Ends waiting; reads give nothing any more. */
  close(): void {
    this.isClosed = true;
    this.inFlight = [];
    this.notify();
  }

  /** Says that there may be something to read. */
  notify(): void {
    const { wake } = this;
    this.wake = null;
    wake?.();
  }

  /** Leaves out the oldest records not in flight, until so many bytes and records fit. @returns false where they cannot */
  dropOldest(fits: (backlog: Backlog) => boolean): boolean {
    const { log } = this.queue;
    while (!fits(this.backlog)) {
      const start = this.inFlight.at(-1)?.end ?? this.position;
      const from = this.skips.find((skip) => skip.from.offset <= start.offset)?.to ?? start;
      const next = this.skips.find((skip) => skip.from.offset > from.offset);
      let to = log.boundaryAfter(from);
      if (next !== undefined && to.offset > next.from.offset) to = next.from;
      if (to.offset <= from.offset) return false;
      this.skip(from, to);
    }
    return true;
  }

  /** Leaves out a stretch, which is counted as dropped. */
  skip(from: Mark, to: Mark): void {
    this.generation++;
    this.statistics.droppedFull += to.items - from.items;
    const all = [...this.skips, { from, to }].sort((a, b) => a.from.offset - b.from.offset);
    this.skips = [];
    for (const one of all) {
      const last = this.skips.at(-1);
      if (last !== undefined && last.to.offset === one.from.offset) {
        this.skips[this.skips.length - 1] = { from: last.from, to: one.to };
      } else this.skips.push(one);
    }
    if (this.inFlight.length === 0) this.leapSkips();
  }

  private leapSkips(): void {
    for (;;) {
      const [first] = this.skips;
      if (first === undefined || first.from.offset > this.position.offset) return;
      // A place before it that nothing was at: lost between.
      if (first.to.offset > this.position.offset) this.position = first.to;
      this.nextTimeNs = null;
      this.skips = this.skips.slice(1);
    }
  }

  private lose(items: number): void {
    this.statistics.droppedLost += Math.max(0, items);
  }
}

function minus(a: Mark, b: Mark): Mark {
  return { offset: a.offset - b.offset, records: a.records - b.records, items: a.items - b.items };
}
