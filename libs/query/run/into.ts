/**
 * SELECT … INTO: hands the result to a writer instead of answering with it.
 */
import type { IntoTarget, SelectStatement } from '#influxql';
import { compareNames } from '../compile/expand.js';
import type { ResultColumn, ResultSeries, ResultWriter, TagPair, WrittenSeries } from '../ports.js';

/** Rows written together, of however many series. Same as InfluxDB 1.x. */
const BATCH_ROWS = 10_000;

/**
 * Writes every series and answers with the number of points written. A target without a name takes that of each series.
 */
export async function writeInto(
  target: IntoTarget,
  result: AsyncIterable<ResultSeries>,
  writer: ResultWriter,
): Promise<ResultSeries> {
  const { database, retentionPolicy } = target;
  let written = 0;
  let rows = 0;
  let pending: WrittenSeries[] = [];
  const flush = async (): Promise<void> => {
    if (pending.length > 0)
      written += await writer.write({ database, retentionPolicy, series: pending });
    pending = [];
    rows = 0;
  };
  for await (const series of result) {
    pending.push({ measurement: target.name || series.name, series });
    rows += series.rowCount;
    if (rows >= BATCH_ROWS) await flush();
  }
  await flush();
  return {
    name: 'result',
    tags: null,
    columns: ['time', 'written'],
    rowCount: 1,
    data: [
      { kind: 'time', ns: BigInt64Array.of(0n) },
      { kind: 'integer', values: Float64Array.of(written), wide: null, present: null },
    ],
    partial: false,
  };
}

/**
 * Rows whose text in some columns is to be written as tags: a series for each set of values, without these columns. LIMIT and
 * OFFSET count rows from each change of these values on, as InfluxDB 1.x does.
 * @param isTag of each column; null in such a column is no tag
 */
export function* withWrittenTags(
  series: ResultSeries,
  isTag: readonly boolean[],
  { limit, offset }: Pick<SelectStatement, 'limit' | 'offset'>,
): Generator<ResultSeries> {
  const { columns, data, rowCount, tags } = series;
  const groups = new Map<string, { readonly tags: readonly TagPair[]; readonly rows: number[] }>();
  let previous = '';
  let count = 0;
  for (let row = 0; row < rowCount; row++) {
    const own = columns.flatMap((key, c): readonly TagPair[] => {
      const column = data[c];
      const value = isTag[c] && column?.kind === 'string' ? column.values[row] : null;
      return value === null || value === undefined ? [] : [{ key, value }];
    });
    const key = JSON.stringify(own);
    count = key === previous ? count + 1 : 1;
    previous = key;
    if (count <= offset || (limit > 0 && count > offset + limit)) continue;
    const group = groups.get(key) ?? { tags: own, rows: [] };
    groups.set(key, group);
    group.rows.push(row);
  }
  const kept = [...columns.keys()].filter((c) => !isTag[c]);
  for (const group of groups.values()) {
    const names = new Set(group.tags.map(({ key }) => key));
    const all = [...(tags ?? []).filter(({ key }) => !names.has(key)), ...group.tags];
    yield {
      ...series,
      tags: all.length > 0 ? all.sort((a, b) => compareNames(a.key, b.key)) : null,
      columns: kept.map((c) => columns[c] ?? ''),
      data: kept.map((c) => gathered(data[c] as ResultColumn, group.rows)),
      rowCount: group.rows.length,
    };
  }
}

function gathered(column: ResultColumn, rows: readonly number[]): ResultColumn {
  const present = (all: Uint8Array | null): Uint8Array | null =>
    all && Uint8Array.from(rows, (row) => all[row] ?? 0);
  switch (column.kind) {
    case 'time':
      return { ...column, ns: BigInt64Array.from(rows, (row) => column.ns[row] ?? 0n) };
    case 'float':
      return {
        ...column,
        values: Float64Array.from(rows, (row) => column.values[row] ?? 0),
        present: present(column.present),
      };
    case 'integer':
    case 'unsigned': {
      const { wide } = column;
      return {
        ...column,
        values: Float64Array.from(rows, (row) => column.values[row] ?? 0),
        wide: wide && BigInt64Array.from(rows, (row) => wide[row] ?? 0n),
        present: present(column.present),
      };
    }
    case 'boolean':
      return {
        ...column,
        values: Uint8Array.from(rows, (row) => column.values[row] ?? 0),
        present: present(column.present),
      };
    case 'string':
      return { ...column, values: rows.map((row) => column.values[row] ?? null) };
    case 'any':
      return { ...column, values: rows.map((row) => column.values[row] ?? null) };
  }
}
