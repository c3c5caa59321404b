import { ByteSink, formatRfc3339Nano } from './byte-sink.js';
import { TimeWriter } from './time-writer.js';

const written = (times: readonly bigint[], unitNs: bigint | null): readonly string[] => {
  const writer = new TimeWriter(unitNs);
  const column = { kind: 'time', ns: BigInt64Array.from(times) } as const;
  writer.begin(column);
  return times.map((_, row) => {
    const sink = new ByteSink();
    writer.write(sink, column, row);
    return Buffer.from(sink.view()).toString('utf8');
  });
};

/** Borders of days, seconds and words, repeats, and times spread over all of int64. */
function times(): readonly bigint[] {
  const second = 1_000_000_000n;
  const borders = [0n, 1n << 32n, 1n << 31n, 1n << 62n, (1n << 63n) - 1n, 86_400n * second, second];
  const near = borders.flatMap((at) => [at - 1n, at, at]);
  const spread = Array.from({ length: 500 }, (_, i) => BigInt(i) * 18_446_744_073_709_551n);
  const all = [...near, ...spread, ...spread.map((at) => at - (at % 1000n))];
  return [...all, ...all.map((at) => -at)];
}

describe('TimeWriter', () => {
  it('writes text as formatRfc3339Nano does', () => {
    expect(written(times(), null)).toEqual(times().map((at) => `"${formatRfc3339Nano(at)}"`));
  });

  it.each([1n, 1000n, 1_000_000n, 1_000_000_000n, 60_000_000_000n, 3_600_000_000_000n])(
    'counts units of %p ns',
    (unitNs) => {
      expect(written(times(), unitNs)).toEqual(times().map((at) => String(at / unitNs)));
    },
  );
});
