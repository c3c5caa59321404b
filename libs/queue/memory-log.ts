/** Records in memory alone: gone with the process. Each record can be dropped by itself. */
import { QueueError } from './errors.js';
import {
  entryBytes,
  firstWhere,
  type Mark,
  markBehind,
  ORIGIN,
  type QueueEntry,
  type QueueRecord,
  type ReadOutcome,
  RECORD_HEADER_BYTES,
  type RecordLog,
  type Span,
} from './record.js';

interface HeldRecord extends QueueRecord, Span {}

/** See the header. */
export class MemoryLog implements RecordLog {
  readonly recentBytesMax = 0;
  isHeld = (): boolean => true;
  private list: HeldRecord[] = [];
  private next: Mark = ORIGIN;
  private bytes = 0;
  private isOpen = false;

  get end(): Mark {
    return this.next;
  }

  get spans(): readonly Span[] {
    return this.list;
  }

  get sizeBytes(): number {
    return this.bytes;
  }

  get memoryBytes(): number {
    return this.bytes;
  }

  open(): Promise<void> {
    this.isOpen = true;
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }

  append(entry: QueueEntry): Promise<void> {
    if (!this.isOpen) {
      return Promise.reject(new QueueError('queue.not-written', 'cannot append: it is closed'));
    }
    const size = entryBytes(entry);
    const payload = Buffer.allocUnsafeSlow(size - RECORD_HEADER_BYTES);
    let at = 0;
    for (const piece of entry.payload) {
      payload.set(piece, at);
      at += piece.length;
    }
    const start = this.next;
    const { timeNs, items, kind } = entry;
    const end = markBehind(start, payload.length, items);
    this.next = end;
    this.bytes += size;
    const times = { timeNs, firstTimeNs: timeNs, lastTimeNs: timeNs };
    this.list.push({ start, end, items, kind, payload, ...times });
    return Promise.resolve();
  }

  read(from: Mark, bytesMax: number, until: number): Promise<ReadOutcome> {
    const records: QueueRecord[] = [];
    let size = 0;
    let end = from;
    for (let i = this.indexOf(from.offset); i < this.list.length; i++) {
      const record = this.list[i];
      const recordBytes = record.payload.length + RECORD_HEADER_BYTES;
      if (record.start.offset >= until) break;
      if (records.length > 0 && size + recordBytes > bytesMax) break;
      records.push(record);
      size += recordBytes;
      end = record.end;
    }
    return Promise.resolve({ records, end });
  }

  boundaryAfter(mark: Mark): Mark {
    return this.list.at(this.indexOf(mark.offset + 1))?.start ?? this.next;
  }

  markAtTime(timeNs: bigint): Promise<Mark> {
    return Promise.resolve(this.list.find((one) => one.timeNs >= timeNs)?.start ?? this.next);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  remove(span: Span): Promise<void> {
    const at = this.indexOf(span.start.offset);
    if (this.list[at] !== span) return Promise.resolve();
    if (at === 0) this.list.shift();
    else this.list.splice(at, 1);
    this.bytes -= span.end.offset - span.start.offset;
    return Promise.resolve();
  }

  private indexOf(offset: number): number {
    return firstWhere(this.list, (record) => record.start.offset >= offset);
  }
}
