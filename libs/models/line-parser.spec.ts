import { FieldType } from './field-type.js';
import { int64ToBigInt } from './int64.js';
import type { KnownSeries } from './line-context.js';
import { LineParser, padBody } from './line-parser.js';
import { bigIntegerPosition, PointsBatch } from './points-batch.js';
import type { Precision } from './precision.js';
import { ShapeTable } from './shape.js';

const utf8 = new TextDecoder();

/** Series known by their spelling; ids in order of addition. */
class FakeSeries implements KnownSeries {
  readonly keys: string[] = [];
  readonly aliases = new Map<string, number>();
  readonly shapeHints = new Int32Array(64).fill(-1);

  find(bytes: Uint8Array, start: number, length: number): number {
    const key = utf8.decode(bytes.subarray(start, start + length));
    return this.keys.includes(key) ? this.keys.indexOf(key) : (this.aliases.get(key) ?? -1);
  }

  addAlias(bytes: Uint8Array, _hash: number, seriesId: number): void {
    this.aliases.set(utf8.decode(bytes), seriesId);
  }

  /** What a shard does for rows of new series. */
  learn(batch: PointsBatch): void {
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        if (group.seriesIds[row] >= 0) continue;
        const start = group.keyStart[row];
        const key = utf8.decode(batch.extra.subarray(start, start + group.keyLength[row]));
        if (!this.keys.includes(key)) this.keys.push(key);
        group.seriesIds[row] = this.keys.indexOf(key);
        this.shapeHints[group.seriesIds[row]] = group.shape.id;
      }
    }
  }
}

/** Every point of a batch as text, in order: key, fields with types, time. */
function describe_(batch: PointsBatch, known: FakeSeries): string[] {
  const points: [number, string][] = [];
  for (const group of batch.groups) {
    for (let row = 0; row < group.rows; row++) {
      const fields = group.shape.names.map((name, f) => {
        const cell = f * group.capacity + row;
        const value = group.values[cell];
        const type = group.shape.types[f];
        if (type === FieldType.STRING)
          return `${name}=${JSON.stringify(utf8.decode(batch.stringBytes(value)))}`;
        if (type === FieldType.BOOLEAN) return `${name}=${value === 1}`;
        if (type === FieldType.FLOAT) return `${name}=${Object.is(value, -0) ? '-0' : value}`;
        const exact =
          value === value
            ? BigInt(value)
            : batch.bigIntegers[bigIntegerPosition(group.values, cell)];
        return `${name}=${exact}i`;
      });
      const time = int64ToBigInt(group.times[2 * row], group.times[2 * row + 1]);
      const start = group.keyStart[row];
      const key =
        group.seriesIds[row] >= 0
          ? known.keys[group.seriesIds[row]]
          : utf8.decode(batch.extra.subarray(start, start + group.keyLength[row]));
      points.push([group.pointNumbers[row], `${key} ${fields.join(',')} ${time}`]);
    }
  }
  return points.sort((a, b) => a[0] - b[0]).map(([, text]) => text);
}

/** Parses a body three times (all series new, then known, then with their shapes) and expects the same each time. */
function parse(body: string, precision: Precision = 'ns'): { points: string[]; errors: string[] } {
  const shapes = new ShapeTable();
  const parser = new LineParser(shapes);
  const known = new FakeSeries();
  const rounds = [0, 1, 2].map(() => {
    const batch = new PointsBatch();
    const bytes = new TextEncoder().encode(body);
    const outcome = parser.parse(
      { body: padBody(bytes), length: bytes.length, known, precision, defaultTime: () => 77n },
      batch,
    );
    const points = describe_(batch, known);
    expect(batch.pointCount).toBe(points.length);
    known.learn(batch);
    return { points, errors: outcome.rejected.map(({ text, reason }) => `'${text}': ${reason}`) };
  });
  expect(rounds[1]).toEqual(rounds[0]);
  expect(rounds[2]).toEqual(rounds[0]);
  return rounds[0];
}

describe('LineParser', () => {
  const f = (body: string, ...points: string[]): void => {
    expect(parse(body)).toEqual({ points, errors: [] });
  };

  it('reads what senders send', () => {
    f('m f=1 1500000000000000001', 'm f=1 1500000000000000001');
    f('m,a=1,b=2 f=1,g=2i,h=true,s="x y" 5\n', 'm,a=1,b=2 f=1,g=2i,h=true,s="x y" 5');
    f('m f=1', 'm f=1 77');
    f('m f=1 \n', 'm f=1 77');
    f('m f=1 1  \nm f=2 2', 'm f=1 1', 'm f=2 2');
  });

  it('keeps every digit of a number', () => {
    f('m f=0.1 1', 'm f=0.1 1');
    f('m f=-0 1', 'm f=-0 1');
    f('m f=58.13125132500001 1', 'm f=58.13125132500001 1');
    f('m f=0.30000000000000004 1', 'm f=0.30000000000000004 1');
    f('m f=9007199254740993 1', 'm f=9007199254740992 1');
    f('m f=1e-320 1', `m f=${1e-320} 1`);
    f(
      'm i=9223372036854775807i,j=-9223372036854775808i 1',
      'm i=9223372036854775807i,j=-9223372036854775808i 1',
    );
    f('m i=9007199254740993i 1', 'm i=9007199254740993i 1');
    f('m i=-0i,j=007i 1', 'm i=0i,j=7i 1');
  });

  it('reads every boolean', () => {
    f('m a=t,b=T,c=true,d=True,e=TRUE 1', 'm a=true,b=true,c=true,d=true,e=true 1');
    f('m a=f,b=F,c=false,d=False,e=FALSE 1', 'm a=false,b=false,c=false,d=false,e=false 1');
  });

  it('reads strings with anything in them', () => {
    f('m s="" 1', 'm s="" 1');
    f('m s="a,b=c d\ne" 1', 'm s="a,b=c d\\ne" 1');
    f('m s="a\\"b\\\\c\\d" 1', 'm s="a\\"b\\\\c\\\\d" 1');
    f('m s="雨" 1', 'm s="雨" 1');
  });

  it('puts keys into canonical form', () => {
    f('m,b=2,a=1 f=1 1', 'm,a=1,b=2 f=1 1');
    f('my\\ m\\,x,t\\ k=t\\=v f=1 1', 'my\\ m\\,x,t\\ k=t\\=v f=1 1');
    f('m,p=C:\\temp f=1 1', 'm,p=C:\\temp f=1 1');
    f('a\\=b f=1 1', 'a=b f=1 1');
  });

  it('takes the last of repeated fields and drops a field named time beside others', () => {
    f('m f=1,f=2 1', 'm f=2 1');
    // Of two types: for storage to refuse.
    f('m f=1,g=t,f=2i,f=3,f=4i 1', 'm f=3,g=true,f=2i 1');
    f('m time=1,f=2 1', 'm f=2 1');
    f('m time=1 1', 'm time=1 1');
  });

  it('follows changing fields of one series', () => {
    f(
      'm f=1 1\nm g=1 2\nm f=1i 3\nm f=1,g=2 4\nm f=2 5',
      'm f=1 1',
      'm g=1 2',
      'm f=1i 3',
      'm f=1,g=2 4',
      'm f=2 5',
    );
  });

  it('skips blank lines and comments', () => {
    f('\n\n  \n# x\n  # y\nm f=1 1\n\n', 'm f=1 1');
    f('', ...[]);
  });

  it('converts precisions', () => {
    const at = (precision: Precision, time: string): string[] =>
      parse(`m f=1 ${time}`, precision).points;
    expect(at('u', '1500000000000001')).toEqual(['m f=1 1500000000000001000']);
    expect(at('ms', '1500000000001')).toEqual(['m f=1 1500000000001000000']);
    expect(at('s', '1500000000')).toEqual(['m f=1 1500000000000000000']);
    expect(at('s', '-5')).toEqual(['m f=1 -5000000000']);
    expect(at('m', '25000000')).toEqual(['m f=1 1500000000000000000']);
    expect(at('h', '400000')).toEqual(['m f=1 1440000000000000000']);
    expect(at('ns', '-9223372036854775806')).toEqual(['m f=1 -9223372036854775806']);
    expect(at('ns', '9223372036854775806')).toEqual(['m f=1 9223372036854775806']);
  });

  it('says why a line is refused and keeps the others', () => {
    const g = (line: string, reason: string): void => {
      expect(parse(`m f=1 1\n${line}\nm f=2 2`)).toEqual({
        points: ['m f=1 1', 'm f=2 2'],
        errors: [`'${line}': ${reason}`],
      });
    };
    g('m', 'missing fields');
    g('m,a=b', 'missing fields');
    g('m 1000', 'invalid field format');
    g(',a=b f=1 1', 'missing measurement');
    g('f=1 1', 'invalid field format');
    g('m,=b f=1 1', 'missing tag key');
    g('m,a= f=1 1', 'missing tag value');
    g('m,a=b=c f=1 1', 'invalid tag format');
    g('m,a=1,a=2 f=1 1', 'duplicate tags');
    g('m =1 1', 'missing field key');
    g('m f= 1', 'missing field value');
    g('m f=1, 1', 'invalid field format');
    g('m f=1.2.3 1', 'invalid number');
    g('m f=1e5e5 1', 'invalid float');
    g('m f=x 1', 'invalid boolean');
    g('m f=1u 1', 'invalid number');
    g('m f=1 1x', 'bad timestamp');
    g('m f=1 1 2', 'point is invalid');
    g(
      'm i=9223372036854775808i 1',
      'unable to parse integer 9223372036854775808: strconv.ParseInt: parsing "9223372036854775808": value out of range',
    );
    g('m f=1 9223372036854775807', 'time outside range -9223372036854775806 - 9223372036854775806');
  });

  it('counts refused lines beyond those it keeps', () => {
    const bytes = new TextEncoder().encode('m\n'.repeat(1500));
    const outcome = new LineParser(new ShapeTable()).parse(
      {
        body: padBody(bytes),
        length: bytes.length,
        known: new FakeSeries(),
        precision: 'ns',
        defaultTime: () => 0n,
      },
      new PointsBatch(),
    );
    expect(outcome.rejectedCount).toBe(1500);
    expect(outcome.rejected.length).toBe(1000);
    expect(outcome.rejected[999].lineNumber).toBe(1000);
  });
});
