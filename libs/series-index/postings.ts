/**
 * Which series have a value, for each value of a tag: positions one after another, made of a column when it is asked for the
 * second time and kept within a limit. Series added later are not in them; whoever asks looks at those himself.
 */

/** Bytes of postings of one index; those that were not asked for the longest go first. */
export const POSTINGS_BYTES_MAX: number = 256 * 2 ** 20;

/** Postings of one column. Not to be changed. */
export class Postings {
  /** Where the positions of value id `v` begin; those of `v + 1` begin where they end. */
  private readonly starts: Int32Array;
  private readonly positions: Int32Array;

  /**
   * @param ids value ids by position, 0 = none
   * @param valueCount ids are 1 to this
   */
  constructor(ids: Int32Array, valueCount: number) {
    const starts = new Int32Array(valueCount + 3);
    for (let p = 0; p < ids.length; p++) starts[ids[p] + 2]++;
    for (let v = 1; v < starts.length; v++) starts[v] += starts[v - 1];
    // Each begins where it is filled next; afterwards that is where the next one begins.
    const positions = new Int32Array(ids.length);
    for (let p = 0; p < ids.length; p++) positions[starts[ids[p] + 1]++] = p;
    this.starts = starts;
    this.positions = positions;
  }

  /** Positions that are in them: those below. */
  get coveredCount(): number {
    return this.positions.length;
  }

  get sizeBytes(): number {
    return (this.starts.length + this.positions.length) * 4;
  }

  /** Number of positions that have a value; 0 for a value that is newer. */
  countOf(valueId: number): number {
    return valueId + 2 < this.starts.length ? this.starts[valueId + 1] - this.starts[valueId] : 0;
  }

  /** Positions that have a value, ascending: a view. */
  of(valueId: number): Int32Array {
    if (valueId + 2 >= this.starts.length) return this.positions.subarray(0, 0);
    return this.positions.subarray(this.starts[valueId], this.starts[valueId + 1]);
  }
}

/** Somebody who keeps postings. */
interface PostingsOwner {
  dropPostings(): void;
}

/** What all postings of an index take. One an index. */
export class PostingsMemory {
  /** In order of use, with their bytes. */
  private readonly owners = new Map<PostingsOwner, number>();
  private bytes = 0;
  /** Postings given up because the limit was reached. */
  droppedCount = 0;

  constructor(private readonly bytesMax: number = POSTINGS_BYTES_MAX) {}

  get sizeBytes(): number {
    return this.bytes;
  }

  /** Takes note of postings that were made or used; false where they are too large to be kept at all. */
  keep(owner: PostingsOwner, sizeBytes: number): boolean {
    this.forget(owner);
    if (sizeBytes > this.bytesMax) return false;
    this.owners.set(owner, sizeBytes);
    this.bytes += sizeBytes;
    for (const other of this.owners.keys()) {
      if (this.bytes <= this.bytesMax) break;
      this.forget(other);
      other.dropPostings();
      this.droppedCount++;
    }
    return true;
  }

  forget(owner: PostingsOwner): void {
    this.bytes -= this.owners.get(owner) ?? 0;
    this.owners.delete(owner);
  }
}
