/** What is encoded is read back the same, to the bit. */
import fc from 'fast-check';
import '../../test/support/property-seed.js';
import {
  allRuns,
  compareUtf8,
  encodeSeriesKey,
  FieldType,
  type KnownSeries,
  LineEncoder,
  LineParser,
  padBody,
  PointsBatch,
  type Precision,
  ShapeTable,
  stringInExtra,
  TIME_MAX_NS,
  TIME_MIN_NS,
} from './index.js';

const known: KnownSeries = {
  find: () => -1,
  addAlias: () => undefined,
  shapeHints: new Int32Array(0),
};
const shapes = new ShapeTable();
const encoder = new LineEncoder();
const noKey = (): Uint8Array => new Uint8Array(0);

function parse(bytes: Uint8Array, precision: Precision = 'ns') {
  const batch = new PointsBatch();
  const outcome = new LineParser(shapes).parse(
    { body: padBody(bytes), length: bytes.length, known, precision, defaultTime: () => 42n },
    batch,
  );
  return { batch, outcome };
}

const encode = (batch: PointsBatch) => encoder.encode(batch, allRuns(batch), noKey);
const textOf = (batch: PointsBatch): string => new TextDecoder().decode(encode(batch).bytes);

// Names as lines can say them.
const name = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
  .filter((text) => !/[\n\\\0-\x1f]|^#/.test(text) && text !== 'time' && text.trim() === text);
const field = fc.oneof(
  fc.record({
    type: fc.constant(FieldType.FLOAT),
    value: fc.double({ noNaN: true, noDefaultInfinity: true }),
  }),
  fc.record({
    type: fc.constant(FieldType.INTEGER),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({ type: fc.constant(FieldType.BOOLEAN), value: fc.nat(1) }),
  fc.record({ type: fc.constant(FieldType.STRING), value: fc.string({ unit: 'binary' }) }),
);
const point = fc.record({
  measurement: name,
  tags: fc.uniqueArray(fc.record({ key: name, value: name }), {
    selector: ({ key }) => key,
    maxLength: 3,
  }),
  timeNs: fc.bigInt({ min: TIME_MIN_NS, max: TIME_MAX_NS }),
  fields: fc
    .uniqueArray(fc.tuple(name, field), {
      selector: ([key]) => key,
      minLength: 1,
      maxLength: 4,
    })
    // In the order in which they are spelt.
    .map((fields) => fields.sort(([a], [b]) => compareUtf8(a, b))),
});

describe('LineEncoder', () => {
  it('says what the parser reads as the same points', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 5 }), (points) => {
        const batch = new PointsBatch();
        batch.hasMixedShapes = true;
        for (const { measurement, tags, timeNs, fields } of points) {
          const shape = shapes.intern(fields.map(([key, { type }]) => ({ name: key, type })));
          if (shape === null) return;
          const group = batch.group(shape);
          if (group.rows === group.capacity) group.grow();
          const row = group.rows++;
          const key = encodeSeriesKey(measurement, tags);
          group.seriesIds[row] = -1;
          group.keyStart[row] = batch.addExtra(key);
          group.keyLength[row] = key.length;
          group.pointNumbers[row] = batch.pointCount++;
          batch.setTime(group, row, timeNs);
          fields.forEach(([, { value }], f) => {
            const cell = f * group.capacity + row;
            if (typeof value === 'bigint') batch.setInteger(group, cell, value);
            else if (typeof value === 'string') {
              const bytes = new TextEncoder().encode(value);
              group.values[cell] = stringInExtra(batch.addExtra(bytes), bytes.length);
            } else group.values[cell] = value;
          });
        }
        const { bytes, leftOut, points: count } = encode(batch);
        expect([leftOut, count]).toEqual([0, points.length]);
        const lines = bytes.slice();
        const { batch: again, outcome } = parse(lines);
        expect(outcome.rejected).toEqual([]);
        expect(again.pointCount).toBe(points.length);
        expect(textOf(again)).toBe(new TextDecoder().decode(lines));
        for (const [g, group] of batch.groups.entries()) {
          const other = again.groups[g];
          expect(other.shape).toBe(group.shape);
          expect(other.times.slice(0, 2 * group.rows)).toEqual(
            group.times.slice(0, 2 * group.rows),
          );
          group.shape.types.forEach((type, f) => {
            for (let row = 0; row < group.rows; row++) {
              const [a, b] = [group, other].map((one) => one.values[f * one.capacity + row]);
              if (type === FieldType.STRING)
                expect(Buffer.from(again.stringBytes(b))).toEqual(
                  Buffer.from(batch.stringBytes(a)),
                );
              else expect(Object.is(a, b)).toBe(true);
            }
          });
        }
        expect([...again.bigIntegers.slice(0, again.bigIntegerCount)]).toEqual([
          ...batch.bigIntegers.slice(0, batch.bigIntegerCount),
        ]);
      }),
      { numRuns: 200 },
    );
  });

  it.each([
    ['a\nb', 'v'],
    ['a\\', 'v'],
    ['#a', 'v'],
    ['a', 'v\n'],
    ['a', 'v\\'],
  ])('leaves out what a line cannot say: %j, %j', (measurement, fieldName) => {
    const batch = new PointsBatch();
    const shape = shapes.intern([{ name: fieldName, type: FieldType.FLOAT }]);
    if (shape === null) throw new TypeError('there is room for a shape');
    const group = batch.group(shape);
    const key = encodeSeriesKey(measurement, []);
    group.seriesIds[0] = -1;
    group.keyStart[0] = batch.addExtra(key);
    group.keyLength[0] = key.length;
    group.rows = batch.pointCount = 1;
    expect(encode(batch)).toMatchObject({ points: 0, leftOut: 1 });
  });

  it('writes what InfluxDB writes of points that it makes: fields by name, floats without exponent', () => {
    const line =
      'm d=0.1,c=-2.5e22,b=-0,a=1,i=3e-8,e=9223372036854775807i,f=-1i,g=t,h="q\\"\\\\" 1\n';
    expect(textOf(parse(new TextEncoder().encode(line)).batch)).toBe(
      'm a=1,b=-0,c=-25000000000000000000000,d=0.1,e=9223372036854775807i,f=-1i,g=true,h="q\\"\\\\",i=0.00000003 1\n',
    );
  });

  it('has room for many fields behind strings', () => {
    const fields = Array.from({ length: 300 }, (_, i) => `${'f'.repeat(200)}${i + 100}=1e300`);
    const line = `m a="${'x'.repeat(60_000)}",b="${'y'.repeat(70_000)}",${fields.join(',')} 1\n`;
    const text = textOf(parse(new TextEncoder().encode(line)).batch);
    expect(text.length).toBe(line.length + 300 * (301 - 5));
    expect(text.endsWith(`399=1${'0'.repeat(300)} 1\n`)).toBe(true);
  });
});

describe('a body that can be handed on as it is', () => {
  const verbatim = (text: string, precision: Precision = 'ns'): number =>
    parse(new TextEncoder().encode(text), precision).batch.verbatimLength;

  it.each([
    ['a v=1 1500000000000000000\nb v=2i 1500000000000000001', true],
    ['a v=1 1500000000000000000\nb,a=2,z=1 v=2i 7\n', true],
    ['a v=1 1500000000000000000\nb,z=1,a=2 v=2i 7\n', false],
    ['a v=1 1500000000000000000\nb v=2\n', false],
    ['a v=1 1500000000000000000\n\nb v=2 5\n', false],
    ['# a\na v=1 1500000000000000000\n', false],
    ['a v=1 1500000000000000000\nbad\n', false],
  ])('%j: %s', (text, isVerbatim) => {
    expect(verbatim(text)).toBe(isVerbatim ? text.length : 0);
  });

  it('has its times in nanoseconds', () => {
    expect(verbatim('a v=1 1500000000', 's')).toBe(0);
  });

  it('may come in pieces that newlines part', () => {
    const text = 'a v=1 1500000000000000000\nb v=2 1500000000000000001\n';
    const at = text.indexOf('b');
    const f = (from: number): number => {
      const bytes = padBody(new TextEncoder().encode(text));
      const batch = new PointsBatch();
      const parser = new LineParser(shapes);
      const request = { body: bytes, known, precision: 'ns' as const, defaultTime: () => 1n };
      parser.parse({ ...request, length: from }, batch);
      new TextEncoder().encodeInto(text.slice(at), bytes.subarray(at));
      parser.parse({ ...request, start: at, length: text.length }, batch);
      return batch.verbatimLength;
    };
    expect([f(at), f(at - 1), f(at - 2)]).toEqual([text.length, text.length, 0]);
  });
});
