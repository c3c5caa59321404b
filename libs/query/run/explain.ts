/**
 * EXPLAIN: what a SELECT would read. EXPLAIN ANALYZE: runs it and says how long it took.
 */
import { formatDurationNs } from '#kernel';
import { MIN_TIME_NS, printExpr, printSelect, type ExplainStatement } from '#influxql';
import { compileSelect } from '../compile/compile-select.js';
import { QueryBudget } from '../limits.js';
import { textSeries } from '../metadata/text-rows.js';
import type { ResultSeries } from '../ports.js';
import { groupSeries } from './groups.js';
import { prepareSelect } from './prepared-select.js';
import { runSelect, type SelectOptions } from './select.js';

/** The plan of a SELECT, or its measured run. Null where others may have their turn. */
export function* runExplain(
  { statement, isAnalyze }: ExplainStatement,
  options: SelectOptions,
): Generator<ResultSeries | null> {
  if (isAnalyze) {
    yield* analyze(statement, options);
    return;
  }
  const prepared = prepareSelect(compileSelect(statement, options.nowNs), options);
  try {
    const { compiled, tables, calls, refs } = prepared;
    const groups = yield* groupSeries(tables, {
      condition: prepared.condition,
      tags: prepared.tags,
      isAscending: true,
      slimit: 0,
      soffset: 0,
      limitedTags: 0,
      budget: new QueryBudget(),
    });
    const range = { minNs: compiled.minNs ?? MIN_TIME_NS, maxNs: compiled.maxNs };
    const shards = new Set(
      tables.flatMap((table) => table.stretches(range).map(({ baseNs }) => baseNs)),
    );
    const seriesCount = groups.reduce((sum, { entryCount }) => sum + entryCount, 0);
    const lines = (calls.length > 0 ? calls : [null]).flatMap((call) => [
      `EXPRESSION: ${call ? printExpr(call) : '<nil>'}`,
      ...(call ? [] : [`AUXILIARY FIELDS: ${refs.map(printExpr).join(', ')}`]),
      `NUMBER OF SHARDS: ${shards.size}`,
      `NUMBER OF SERIES: ${seriesCount}`,
    ]);
    yield* textSeries(
      '',
      ['QUERY PLAN'],
      lines.map((line) => [line]),
    );
  } finally {
    prepared.close();
  }
}

function* analyze(
  statement: ExplainStatement['statement'],
  options: SelectOptions,
): Generator<ResultSeries | null> {
  const startMs = performance.now();
  let firstMs: number | null = null;
  let rows = 0;
  for (const series of runSelect(statement, options)) {
    firstMs ??= performance.now();
    if (series) rows += series.rowCount;
    else yield null;
  }
  const endMs = performance.now();
  const shown = (ms: number): string => formatDurationNs(BigInt(Math.round(ms * 1e6)));
  const planningMs = (firstMs ?? endMs) - startMs;
  const lines = [
    '.',
    '└── select',
    `    ├── execution_time: ${shown(endMs - startMs - planningMs)}`,
    `    ├── planning_time: ${shown(planningMs)}`,
    `    ├── total_time: ${shown(endMs - startMs)}`,
    '    └── build_cursor',
    '        ├── labels',
    `        │   └── statement: ${printSelect(statement)}`,
    `        └── rows: ${rows}`,
  ];
  yield* textSeries(
    '',
    ['EXPLAIN ANALYZE'],
    lines.map((line) => [line]),
  );
}
