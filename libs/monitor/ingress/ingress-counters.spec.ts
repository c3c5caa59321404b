import type { AcceptedRows, WriteRequest } from '#coordinator';
import { allRuns, LineParser, padBody, PointsBatch, type PointSource, ShapeTable } from '#models';
import { SeriesIndex } from '#series-index';
import { INGRESS_COUNTERS_MAX, IngressCounters } from './ingress-counters.js';

/** Counters over an index, told of lines as storage tells of them. */
function bench(isByMeasurement: boolean, isByLogin: boolean) {
  const index = new SeriesIndex();
  const counters = new IngressCounters(
    { isIngressByMeasurementCounted: isByMeasurement, isIngressByLoginCounted: isByLogin },
    { index: () => index },
  );
  const parser = new LineParser(new ShapeTable());
  const write = (source: PointSource, ...lines: readonly string[]): void => {
    const batch = new PointsBatch();
    batch.markSource(source);
    const bytes = new TextEncoder().encode(lines.join('\n'));
    parser.parse(
      {
        body: padBody(bytes),
        length: bytes.length,
        known: index,
        precision: 'ns',
        defaultTime: () => 1n,
      },
      batch,
    );
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        if (group.seriesIds[row] >= 0) continue;
        const before = index.seriesCount;
        const made = index.findOrCreate(batch.extra, group.keyStart[row], group.keyLength[row]);
        const seriesId = typeof made === 'number' ? made : -1;
        group.seriesIds[row] = seriesId;
        if (index.seriesCount === before) continue;
        counters.made({ database: 'd', retentionPolicy: 'r', index, seriesId, source });
      }
    }
    const accepted: AcceptedRows = {
      points: batch.pointCount,
      isWhole: true,
      runs: () => allRuns(batch),
    };
    counters.stored({ database: 'd', batch } as WriteRequest, 'r', accepted);
  };
  const shown = (): readonly unknown[] =>
    counters
      .collect()
      .map(({ name, tags, values }) => [name, tags, ...Object.values(values)] as const);
  return { write, shown, counters };
}

const alice: PointSource = { listener: 'http', peer: 'al@ice@10.0.0.1' };
const nobody: PointSource = { listener: 'http', peer: '10.0.0.1' };
const udp: PointSource = { listener: 'udp :8089', peer: '10.0.0.2' };

describe('IngressCounters', () => {
  it('counts nothing unless asked', () => {
    const { write, shown } = bench(false, false);
    write(alice, 'm a=1,b=2 1');
    expect(shown()).toEqual([]);
  });

  it('counts points, values and new series by measurement', () => {
    const { write, shown } = bench(true, false);
    write(alice, 'm,t=1 a=1,b=2 1', 'm,t=2 a=1,b=2 1', 'n a=1 1', 'm,t=1 a=3,b=4 2');
    write(udp, 'm,t=1 a=1 3');
    expect(shown()).toEqual([
      ['ingress', { db: 'd', rp: 'r', measurement: 'm' }, 4, 7, 2],
      ['ingress', { db: 'd', rp: 'r', measurement: 'n' }, 1, 1, 1],
    ]);
  });

  it('counts by login, under InfluxDB’s names for those without', () => {
    const { write, shown } = bench(false, true);
    write(alice, 'm a=1 1', 'n a=1 1');
    write(nobody, 'm a=1 2');
    write(udp, 'm a=1 3', 'm a=2 4');
    expect(shown()).toEqual([
      ['ingress', { login: '_systemuser_udpwriter' }, 2, 2, 0],
      ['ingress', { login: '_systemuser_unknown' }, 1, 1, 0],
      ['ingress', { login: 'al@ice' }, 2, 2, 2],
    ]);
  });

  it('counts by both', () => {
    const { write, shown } = bench(true, true);
    write(alice, 'm a=1 1');
    write(udp, 'm a=1 1');
    expect(shown()).toEqual([
      ['ingress', { db: 'd', rp: 'r', measurement: 'm', login: '_systemuser_udpwriter' }, 1, 1, 0],
      ['ingress', { db: 'd', rp: 'r', measurement: 'm', login: 'al@ice' }, 1, 1, 1],
    ]);
  });

  it('keeps so many apart, and the rest together', () => {
    const { write, counters } = bench(true, false);
    const lines = Array.from({ length: INGRESS_COUNTERS_MAX + 5 }, (_, i) => `m${i} a=1 1`);
    write(alice, ...lines);
    const all = counters.collect();
    expect(all).toHaveLength(INGRESS_COUNTERS_MAX + 1);
    const other = all.find(({ tags }) => tags['measurement'] === 'other');
    expect(other).toEqual({
      name: 'ingress',
      tags: { db: 'other', rp: 'other', measurement: 'other' },
      values: { pointsWritten: 5, valuesWritten: 5, seriesCreated: 5 },
    });
  });
});
