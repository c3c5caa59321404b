/** The newest records of a queue in memory, in order, not all of them; those not written yet stay whatever their size. */
import { firstWhere, type Mark, type QueueRecord, RECORD_HEADER_BYTES } from './record.js';

/** See the header. */
export class RecentRecords {
  private list: QueueRecord[] = [];
  /** Those before it are gone. */
  private first = 0;
  private bytes = 0;

  constructor(
    private readonly bytesMax: number,
    /** Told of records that are let go. */
    private readonly onGone: (record: QueueRecord) => void,
  ) {}

  get sizeBytes(): number {
    return this.bytes;
  }

  add(record: QueueRecord): void {
    this.list.push(record);
    this.bytes += sizeOf(record);
  }

  /** Takes out one that could not be written. */
  remove(record: QueueRecord): void {
    const at = this.list.indexOf(record, this.first);
    if (at < 0) return;
    this.list.splice(at, 1);
    this.bytes -= sizeOf(record);
  }

  /** Lets go of the oldest until the limit holds, but of none from `unwrittenOffset` on. */
  shrink(unwrittenOffset: number): void {
    while (this.bytes > this.bytesMax && !this.isEmpty) {
      const record = this.list[this.first];
      if (record.end.offset > unwrittenOffset) return;
      this.drop(record);
    }
  }

  /** The record that begins at an offset, or null. */
  at(offset: number): QueueRecord | null {
    const record = this.list.at(this.indexOf(offset));
    return record?.start.offset === offset ? record : null;
  }

  /** Where the first record behind an offset begins, or null. */
  startFrom(offset: number): Mark | null {
    return this.list.at(this.indexOf(offset))?.start ?? null;
  }

  /** The place of the first record that is not before a time; null where there is none. */
  firstFrom(timeNs: bigint): Mark | null {
    for (let i = this.first; i < this.list.length; i++)
      if (this.list[i].timeNs >= timeNs) return this.list[i].start;
    return null;
  }

  private get isEmpty(): boolean {
    return this.first === this.list.length;
  }

  private indexOf(offset: number): number {
    const at = firstWhere(this.list, (record) => record.start.offset >= offset);
    return Math.max(at, this.first);
  }

  private drop(record: QueueRecord): void {
    this.bytes -= sizeOf(record);
    this.onGone(record);
    this.first++;
    if (this.first < 1024 && this.first < this.list.length) return;
    this.list = this.list.slice(this.first);
    this.first = 0;
  }
}

const sizeOf = ({ payload }: QueueRecord): number => payload.length + RECORD_HEADER_BYTES;
