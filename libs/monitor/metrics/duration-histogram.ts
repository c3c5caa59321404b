/**
 * A histogram of durations whose observing costs a few comparisons: prom-client's, which looks up labels by hashing them each
 * time, takes microseconds, a part that shows in small requests. Written in Prometheus' text format.
 */

/** Counts of durations by upper bounds. */
export class DurationHistogram {
  private readonly counts: Float64Array;
  private sum = 0;

  /** @param bounds upper bounds in seconds, ascending; what is above the last counts as infinite */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(seconds: number): void {
    const { bounds, counts } = this;
    let i = 0;
    while (i < bounds.length && seconds > bounds[i]) i++;
    counts[i]++;
    this.sum += seconds;
  }

  /** The samples under a name. @param labels `a="b",`, or nothing */
  samples(name: string, labels: string): string {
    let text = '';
    let total = 0;
    this.counts.forEach((count, i) => {
      total += count;
      const bound = i < this.bounds.length ? String(this.bounds[i]) : '+Inf';
      text += `${name}_bucket{${labels}le="${bound}"} ${total}\n`;
    });
    const set = labels === '' ? '' : `{${labels.slice(0, -1)}}`;
    return `${text}${name}_sum${set} ${this.sum}\n${name}_count${set} ${total}\n`;
  }
}
