/**
 * A store so simple that it cannot be wrong: a map of maps. Storage and query tests compare the real one with it.
 */

/** A value of a field; bigint for integers. */
export type NaiveValue = number | bigint | boolean | string;

/** One point as tests write it. */
export interface NaivePoint {
  /** Series key in canonical form. */
  readonly series: string;
  readonly timeNs: bigint;
  readonly fields: Readonly<Record<string, NaiveValue>>;
}

/** Last write wins, field by field. */
export class NaiveStore {
  private readonly values = new Map<string, Map<string, Map<bigint, NaiveValue>>>();

  write(points: readonly NaivePoint[]): void {
    for (const { series, timeNs, fields } of points) {
      for (const [field, value] of Object.entries(fields)) {
        this.column(series, field).set(timeNs, value);
      }
    }
  }

  /** Values of a field in ascending order of time, within an inclusive range. */
  read(
    series: string,
    field: string,
    minNs = -(2n ** 63n),
    maxNs = 2n ** 63n,
  ): [bigint, NaiveValue][] {
    return [...this.column(series, field)]
      .filter(([timeNs]) => timeNs >= minNs && timeNs <= maxNs)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  }

  /** Deletes the values of series within an inclusive range of time. */
  delete(series: readonly string[], minNs: bigint, maxNs: bigint): void {
    for (const key of series) {
      for (const column of this.values.get(key)?.values() ?? []) {
        for (const timeNs of [...column.keys()])
          if (timeNs >= minNs && timeNs <= maxNs) column.delete(timeNs);
      }
    }
  }

  /** Keys of the series that have a value. */
  series(): string[] {
    return [...this.values]
      .filter(([, fields]) => [...fields.values()].some((column) => column.size > 0))
      .map(([key]) => key)
      .sort();
  }

  private column(series: string, field: string): Map<bigint, NaiveValue> {
    let fields = this.values.get(series);
    if (fields === undefined)
      this.values.set(series, (fields = new Map<string, Map<bigint, NaiveValue>>()));
    let column = fields.get(field);
    if (column === undefined) fields.set(field, (column = new Map<bigint, NaiveValue>()));
    return column;
  }
}

/** A point as a line of line protocol. */
export function naiveLine({ series, timeNs, fields }: NaivePoint): string {
  const text = Object.entries(fields).map(([name, value]) => {
    if (typeof value === 'bigint') return `${name}=${value}i`;
    if (typeof value === 'string') return `${name}="${value.replace(/["\\]/g, '\\$&')}"`;
    return `${name}=${Object.is(value, -0) ? '-0' : String(value)}`;
  });
  return `${series} ${text.join(',')} ${timeNs}`;
}
