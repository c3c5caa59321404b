/** Results of a query as plain rows, for tests. */
import { parseStatement } from '#influxql';
import type { QueryPart } from '../run/query-part.js';
import { runSelect } from '../run/select.js';
import type { ResultColumn, StorageReader } from '../ports.js';

/** A series of a result with all its rows; times as bigint, absent values as null. */
export interface PlainSeries {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Runs a SELECT; parts of one series are joined. */
export function rows(
  query: string,
  reader: StorageReader,
  nowNs = 1_000_000n,
  part: QueryPart | null = null,
): readonly PlainSeries[] {
  const statement = parseStatement(query);
  if (statement.kind !== 'select') throw new TypeError('a SELECT is needed');
  const result: {
    name: string;
    tags: Record<string, string>;
    columns: readonly string[];
    rows: unknown[][];
  }[] = [];
  let isOpen = false;
  for (const series of runSelect(statement, {
    reader,
    database: 'd',
    retentionPolicy: '',
    nowNs,
    ...(part && { part }),
  })) {
    if (!series) continue;
    const own = Array.from({ length: series.rowCount }, (_, i) =>
      series.data.map((column) => cell(column, i)),
    );
    if (isOpen) result.at(-1)?.rows.push(...own);
    else {
      const tags = Object.fromEntries((series.tags ?? []).map(({ key, value }) => [key, value]));
      result.push({ name: series.name, tags, columns: series.columns, rows: own });
    }
    isOpen = series.partial;
  }
  return result;
}

function cell(column: ResultColumn, i: number): unknown {
  if (column.kind === 'time') return column.ns[i];
  if (column.kind === 'string' || column.kind === 'any') return column.values[i];
  if (column.present?.[i] === 0) return null;
  if (column.kind === 'boolean') return column.values[i] === 1;
  if (column.kind === 'float') return column.values[i];
  return column.wide?.[i] ?? column.values[i];
}
