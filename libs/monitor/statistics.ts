/**
 * The registry of what the server says of itself: parts register how their counters and tables are gathered, and every view
 * (SHOW STATS, /debug/vars, /metrics, the stored statistics) reads the same list. Parts do not push.
 * @see InfluxDB monitor.Monitor
 */

/** Numbers of one part. */
export interface Statistics {
  /** InfluxDB's name of the part where it has one: `httpd`, `tsm1_wal`. */
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** By InfluxDB's names where it has them. Whole numbers; others are rounded. */
  readonly values: Readonly<Record<string, number>>;
}

/** A value of a diagnostics table. */
export type DiagnosticsValue = string | number | bigint | boolean | null;

/** A table of SHOW DIAGNOSTICS. */
export interface Diagnostics {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly DiagnosticsValue[])[];
}

/** Statistics and diagnostics of all parts. */
export class StatisticsRegistry {
  private readonly statisticsSources: (() => readonly Statistics[])[] = [];
  private readonly diagnosticsSources: (() => readonly Diagnostics[])[] = [];

  /** Adds a part's counters; they are gathered in the order of registration. */
  register(collect: () => readonly Statistics[]): void {
    this.statisticsSources.push(collect);
  }

  /** Adds tables of facts. */
  registerDiagnostics(collect: () => readonly Diagnostics[]): void {
    this.diagnosticsSources.push(collect);
  }

  /** All counters as they are now. */
  collect(): readonly Statistics[] {
    return this.statisticsSources.flatMap((source) => source().map(inWholeNumbers));
  }

  /** All tables, by name. Same order as InfluxDB 1.x. */
  diagnostics(): readonly Diagnostics[] {
    return this.diagnosticsSources
      .flatMap((source) => source())
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}

/** A number that were stored as an integer once and as a float then would be refused: all views get the same whole one. */
function inWholeNumbers(entry: Statistics): Statistics {
  const values = Object.entries(entry.values);
  if (values.every(([, value]) => Number.isSafeInteger(value))) return entry;
  const whole = values.map(([name, value]) => [
    name,
    Number.isFinite(value) ? Math.round(value) : 0,
  ]);
  return { ...entry, values: Object.fromEntries(whole) as Record<string, number> };
}

/** A table of one row. */
export function singleRow(
  name: string,
  values: Readonly<Record<string, DiagnosticsValue>>,
): Diagnostics {
  return { name, columns: Object.keys(values), rows: [Object.values(values)] };
}
