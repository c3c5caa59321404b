/**
 * EXPLAIN: what a SELECT would read. EXPLAIN ANALYZE: runs it and says how long it took.
 */
import { formatDurationNs } from '#kernel';
import { printExpr, printSelect, type ExplainStatement } from '#influxql';
import { compileSelect } from '../compile/compile-select.js';
import { noLimits, QueryBudget } from '../limits.js';
import { textSeries } from '../metadata/text-rows.js';
import type { ResultSeries } from '../ports.js';
import { prepareSelect } from './prepared-select.js';
import { readNodes, type ReadNode } from './read-plan.js';
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
  const { limits = noLimits, signal = null, memory } = options;
  const budget = new QueryBudget(limits, signal, memory);
  try {
    const nodes = yield* readNodes(prepared, budget);
    const lines = nodes.map(linesOf).join('\n\n').split('\n');
    yield* textSeries(
      '',
      ['QUERY PLAN'],
      lines.map((line) => [line]),
    );
  } finally {
    prepared.close();
    budget.close();
  }
}

/** @see InfluxDB query.planNode */
function linesOf(node: ReadNode): string {
  const { expr, auxiliary } = node;
  return [
    `EXPRESSION: ${expr ? printExpr(expr) : '<nil>'}`,
    ...(auxiliary.length > 0 ? [`AUXILIARY FIELDS: ${auxiliary.map(printExpr).join(', ')}`] : []),
    `NUMBER OF SHARDS: ${node.shards}`,
    `NUMBER OF SERIES: ${node.series}`,
    `CACHED VALUES: ${node.cachedValues}`,
    `NUMBER OF FILES: ${node.files}`,
    `NUMBER OF BLOCKS: ${node.blocks}`,
    `SIZE OF BLOCKS: ${node.blockBytes}`,
  ].join('\n');
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
