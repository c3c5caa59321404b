import { encodeSeriesKey, hashKey } from '#models';
import { SeriesIndex, SeriesLimitError } from './series-index.js';

const encoder = new TextEncoder();

const create = (index: SeriesIndex, key: string): number | SeriesLimitError => {
  const bytes = encoder.encode(key);
  return index.findOrCreate(bytes, 0, bytes.length);
};

const find = (index: SeriesIndex, key: string): number => {
  const bytes = encoder.encode(`x${key}x`);
  return index.find(bytes, 1, bytes.length - 2, hashKey(bytes, 1, bytes.length - 2));
};

/** The tags of a series as the measurement's columns have them. */
function tags(index: SeriesIndex, id: number): Record<string, string> {
  const measurement = index.measurementOf(id);
  const position = index.positionOf(id);
  return Object.fromEntries(
    measurement.tagKeys.map((key) => {
      const column = measurement.column(key);
      return [key, column?.text(column.valueId(position)) ?? ''];
    }),
  );
}

describe('SeriesIndex', () => {
  it('gives each key one id', () => {
    const index = new SeriesIndex();
    expect(create(index, 'm,a=b')).toBe(0);
    expect(create(index, 'm,a=c')).toBe(1);
    expect(create(index, 'm,a=b')).toBe(0);
    expect(find(index, 'm,a=c')).toBe(1);
    expect(find(index, 'm,a=')).toBe(-1);
    expect(index.seriesCount).toBe(2);
  });

  it('takes keys apart into measurement and tags', () => {
    const index = new SeriesIndex();
    create(index, 'm,a=1,b=2');
    create(index, 'm,b=3');
    create(index, 'my\\ m,t\\ k=x\\,y\\=z');
    expect(index.measurements.map(({ name }) => name)).toEqual(['m', 'my m']);
    expect(tags(index, 0)).toEqual({ a: '1', b: '2' });
    expect(tags(index, 1)).toEqual({ a: '', b: '3' });
    expect(tags(index, 2)).toEqual({ 't k': 'x,y=z' });
  });

  it('remembers other spellings', () => {
    const index = new SeriesIndex();
    create(index, 'm,a=1,b=2');
    const spelling = encoder.encode('m,b=2,a=1');
    index.addAlias(spelling, hashKey(spelling, 0, spelling.length), 0);
    expect(find(index, 'm,b=2,a=1')).toBe(0);
    expect(index.seriesCount).toBe(1);
  });

  it('finds a hundred thousand keys again', () => {
    const index = new SeriesIndex();
    for (let i = 0; i < 100_000; i++)
      expect(create(index, `cpu,host=h${i},region=r${i % 7}`)).toBe(i);
    for (let i = 0; i < 100_000; i += 97)
      expect(find(index, `cpu,host=h${i},region=r${i % 7}`)).toBe(i);
    expect(index.measurement('cpu')?.column('region')?.valueCount).toBe(7);
    expect(tags(index, 99_999)).toEqual({ host: 'h99999', region: `r${99_999 % 7}` });
  });

  it('sorts by key bytes', () => {
    const index = new SeriesIndex();
    for (const key of ['m,a=é', 'm', 'm,a=z', 'm,a=b,c=d', 'm,a=b']) create(index, key);
    expect([...index.sortByKey(Int32Array.of(0, 1, 2, 3, 4))]).toEqual([1, 4, 3, 2, 0]);
  });

  it('keeps its limits, with the texts of InfluxDB', () => {
    const few = new SeriesIndex({ seriesMax: 1, valuesPerTagMax: 0 });
    create(few, 'm,a=b');
    expect(create(few, 'm,a=c')).toEqual(
      new SeriesLimitError('max-series-per-database limit exceeded: (1)'),
    );
    expect(create(few, 'm,a=b')).toBe(0);
    const narrow = new SeriesIndex({ seriesMax: 0, valuesPerTagMax: 2 });
    create(narrow, 'm,a=1');
    create(narrow, 'm,a=2');
    expect(create(narrow, 'm,a=2,b=1')).toBe(2);
    expect(create(narrow, 'm,a=3')).toEqual(
      new SeriesLimitError(
        'max-values-per-tag limit exceeded (2/2): measurement="m" tag="a" value="3"',
      ),
    );
    const bytes = encoder.encode('m,a=3');
    expect(narrow.restore(bytes, 0, bytes.length)).toBe(3);
  });

  it('reads keys that were made from tags', () => {
    const index = new SeriesIndex();
    const key = encodeSeriesKey('m', [
      { key: 'b', value: 'x=1' },
      { key: 'a', value: 'y z' },
    ]);
    expect(index.findOrCreate(key, 0, key.length)).toBe(0);
    expect(tags(index, 0)).toEqual({ a: 'y z', b: 'x=1' });
  });

  it('does not find what has left its last shard, and gives it its id again', () => {
    const index = new SeriesIndex({ seriesMax: 2, valuesPerTagMax: 1 });
    create(index, 'm,a=1');
    index.retain(0);
    index.retain(0);
    index.release(0);
    expect(find(index, 'm,a=1')).toBe(0);
    const spelling = encoder.encode('m,a=1,');
    index.addAlias(spelling, hashKey(spelling, 0, spelling.length), 0);
    index.release(0);
    expect([find(index, 'm,a=1'), find(index, 'm,a=1,'), index.seriesCount]).toEqual([-1, -1, 0]);
    expect(index.measurement('m')?.column('a')?.liveValueCount).toBe(0);
    expect(create(index, 'm,a=2')).toBe(1);
    expect(index.revive(0)).toEqual(
      new SeriesLimitError(
        'max-values-per-tag limit exceeded (1/1): measurement="m" tag="a" value="1"',
      ),
    );
    index.retain(1);
    index.release(1);
    expect(create(index, 'm,a=1')).toBe(0);
    expect([find(index, 'm,a=1'), find(index, 'm,a=1,'), index.seriesCount]).toEqual([0, 0, 1]);
  });
});
