/**
 * The registry of what the server says of itself: parts register how their counters and tables are gathered, and every view
 * (SHOW STATS, /debug/vars, /metrics, the stored statistics) reads the same list. Parts do not push. A part whose gathering fails
 * costs its own: the views name it, and count.
 * @see InfluxDB monitor.Monitor
 */
import { type Logger, messageOf, silentLogger } from '#kernel';

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

/** Where numbers or tables come from, and how often that has failed. */
interface Source<Entry> {
  readonly name: string;
  collect(): readonly Entry[];
  failures: number;
  /** Of the last failure. */
  error: string;
}

/** Part that tells of sources that failed. */
const FAILURES = 'monitor';

/** Statistics and diagnostics of all parts. */
export class StatisticsRegistry {
  private readonly statisticsSources: Source<Statistics>[] = [];
  private readonly diagnosticsSources: Source<Diagnostics>[] = [];

  /** @param logger told of the first failure of each source */
  constructor(private readonly logger: Logger = silentLogger) {}

  /**
   * Adds a part's counters; they are gathered in the order of registration.
   * @param name for telling that gathering fails
   */
  register(name: string, collect: () => readonly Statistics[]): void {
    this.statisticsSources.push({ name, collect, failures: 0, error: '' });
  }

  /** Adds tables of facts. @param name as for {@link register} */
  registerDiagnostics(name: string, collect: () => readonly Diagnostics[]): void {
    this.diagnosticsSources.push({ name, collect, failures: 0, error: '' });
  }

  /** All counters as they are now, and how often which sources failed, where any did. */
  collect(): readonly Statistics[] {
    const found = this.statisticsSources.flatMap((source) =>
      this.gather(source, () => source.collect().map(inWholeNumbers)),
    );
    return [...found, ...this.failed().map(failureStatistics)];
  }

  /** All tables, by name, and one of sources that failed, where any did. Same order as InfluxDB 1.x. */
  diagnostics(): readonly Diagnostics[] {
    const found = this.diagnosticsSources.flatMap((source) =>
      this.gather(source, () => source.collect()),
    );
    const failed = this.failed();
    const columns = ['source', 'collectFailures', 'error'];
    const rows = failed.map(({ name, failures, error }) => [name, failures, error]);
    if (failed.length > 0) found.push({ name: FAILURES, columns, rows });
    return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }

  private gather<Entry>(source: Source<Entry>, collect: () => readonly Entry[]): readonly Entry[] {
    try {
      return collect();
    } catch (error) {
      source.error = messageOf(error);
      if (source.failures++ === 0) {
        const { name } = source;
        this.logger.error('Statistics cannot be gathered', { source: name, error: source.error });
      }
      return [];
    }
  }

  private failed(): readonly Omit<Source<unknown>, 'collect'>[] {
    return [...this.statisticsSources, ...this.diagnosticsSources].filter(
      ({ failures }) => failures > 0,
    );
  }
}

const failureStatistics = ({ name: source, failures }: Omit<Source<unknown>, 'collect'>) => ({
  name: FAILURES,
  tags: { source },
  values: { collectFailures: failures },
});

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
