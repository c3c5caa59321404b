/**
 * SELECT … INTO: hands the result to a writer instead of answering with it.
 */
import type { IntoTarget } from '#influxql';
import type { ResultSeries, ResultWriter } from '../ports.js';

/**
 * Writes every series and answers with the number of points written. A target without a name takes that of each series.
 */
export async function writeInto(
  target: IntoTarget,
  result: AsyncIterable<ResultSeries>,
  writer: ResultWriter,
): Promise<ResultSeries> {
  let written = 0;
  for await (const series of result) {
    const { database, retentionPolicy } = target;
    const measurement = target.name || series.name;
    written += await writer.write({ database, retentionPolicy, measurement, series });
  }
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
