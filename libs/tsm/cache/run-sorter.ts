/**
 * Sorts times that come in a few ascending runs, as they do when several senders write side by side: a stable natural merge
 * sort over typed arrays.
 */

/** Keeps its arrays from one sort to the next. */
export class RunSorter {
  private order = new Int32Array(256);
  private spare = new Int32Array(256);
  private bounds = new Int32Array(64);

  /** Positions of `keys[0 .. count)` in ascending order of key, equal keys as they come. Valid until the next call. */
  sort(keys: Float64Array, count: number): Int32Array {
    if (this.order.length < count) {
      this.order = new Int32Array(count * 2);
      this.spare = new Int32Array(count * 2);
    }
    for (let i = 0; i < count; i++) this.order[i] = i;
    let runs = this.findRuns(keys, count);
    while (runs > 1) {
      let merged = 0;
      for (let r = 0; r < runs; r += 2) {
        const start = this.bounds[r];
        const middle = r + 1 < runs ? this.bounds[r + 1] : count;
        const end = r + 2 < runs ? this.bounds[r + 2] : count;
        mergeRuns(keys, this.order, this.spare, { start, middle, end });
        this.bounds[merged++] = start;
      }
      [this.order, this.spare] = [this.spare, this.order];
      runs = merged;
    }
    return this.order;
  }

  /** Notes where each ascending run starts; how many there are. */
  private findRuns(keys: Float64Array, count: number): number {
    let runs = 1;
    this.bounds[0] = 0;
    for (let i = 1; i < count; i++) {
      if (keys[i] >= keys[i - 1]) continue;
      if (runs === this.bounds.length) {
        const wider = new Int32Array(runs * 2);
        wider.set(this.bounds);
        this.bounds = wider;
      }
      this.bounds[runs++] = i;
    }
    return runs;
  }
}

function mergeRuns(
  keys: Float64Array,
  from: Int32Array,
  to: Int32Array,
  { start, middle, end }: { start: number; middle: number; end: number },
): void {
  let a = start;
  let b = middle;
  for (let i = start; i < end; i++) {
    if (b >= end || (a < middle && keys[from[a]] <= keys[from[b]])) to[i] = from[a++];
    else to[i] = from[b++];
  }
}
