/**
 * EXPLAIN: what a SELECT would read; with ANALYZE what it did read, see analyze.ts.
 */
import { printExpr, type ExplainStatement } from '#influxql';
import { compileSelect } from '../compile/compile-select.js';
import { noLimits, QueryBudget } from '../limits.js';
import { textSeries } from '../metadata/text-rows.js';
import type { ResultSeries } from '../ports.js';
import { prepareSelect } from './prepared-select.js';
import { readNodes, type ReadNode } from './read-plan.js';
import { runAnalyze } from './analyze.js';
import type { SelectOptions } from './select.js';

/** The plan of a SELECT, or its measured run. Null where others may have their turn. */
export function* runExplain(
  { statement, isAnalyze }: ExplainStatement,
  options: SelectOptions,
): Generator<ResultSeries | null> {
  if (isAnalyze) {
    yield* runAnalyze(statement, options);
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
