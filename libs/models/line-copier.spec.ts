/** Lines come out as InfluxDB prints their points. What is expected was recorded of its subscriber, or follows from it. */
import fc from 'fast-check';
import '../../test/support/property-seed.js';
import {
  allRuns,
  hashKey,
  type KnownSeries,
  LineCopier,
  LineParser,
  padBody,
  PointsBatch,
  type Precision,
  ShapeTable,
} from './index.js';

/** Series as an index keeps them: ids by canonical key, other spellings beside. */
class Series implements KnownSeries {
  aliasHits = 0;
  readonly shapeHints = new Int32Array(4096).fill(-1);
  readonly keys: Buffer[] = [];
  private readonly ids = new Map<string, number>();
  private readonly aliases = new Map<string, number>();

  find(bytes: Uint8Array, start: number, length: number): number {
    const text = Buffer.from(bytes.subarray(start, start + length)).toString('latin1');
    const id = this.ids.get(text);
    if (id !== undefined) return id;
    const alias = this.aliases.get(text);
    if (alias !== undefined) this.aliasHits++;
    return alias ?? -1;
  }

  addAlias(bytes: Uint8Array, _hash: number, seriesId: number): void {
    this.aliases.set(Buffer.from(bytes).toString('latin1'), seriesId);
  }

  create(key: Uint8Array): number {
    const known = this.find(key, 0, key.length);
    if (known >= 0) return known;
    this.ids.set(Buffer.from(key).toString('latin1'), this.keys.length);
    return this.keys.push(Buffer.from(key)) - 1;
  }
}

const copier = new LineCopier();

function bench(series = new Series()) {
  const parser = new LineParser(new ShapeTable());
  return (text: string, precision: Precision = 'ns') => {
    const bytes = new TextEncoder().encode(text);
    const batch = new PointsBatch();
    batch.noteLines();
    const body = padBody(bytes);
    parser.parse(
      { body, length: bytes.length, known: series, precision, defaultTime: () => 42n },
      batch,
    );
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        const at = group.keyStart[row];
        if (group.seriesIds[row] >= 0) continue;
        const key = batch.extra.subarray(at, at + group.keyLength[row]);
        expect(hashKey(key, 0, key.length)).toEqual(expect.any(Number));
        group.seriesIds[row] = series.create(key);
      }
    }
    const { bytes: lines, points } = copier.encode(batch, allRuns(batch), (id) => series.keys[id]);
    expect(points).toBe(batch.pointCount);
    return { lines: new TextDecoder().decode(lines), verbatimLength: batch.verbatimLength, batch };
  };
}

const AT = '1500000000000000000';

describe('LineCopier', () => {
  it.each([
    [`cpu,host=a,dc=x v=1 ${AT}`, `cpu,dc=x,host=a v=1 ${AT}`],
    [`cpu,z=1,a=2,m=3 v=1,a=2 ${AT}`, `cpu,a=2,m=3,z=1 v=1,a=2 ${AT}`],
    [`cpu f=1,s="a \\"q\\" \\\\ b, c=d",b=true,b2=F ${AT}`, undefined],
    [`my\\ cpu\\,x,t\\ g=v\\,a\\=l f\\ d="x y" ${AT}`, undefined],
    [`f a=1.0,b=1e3,c=1E-7,d=.5,e=-0.0,g=123456789012345680000,h=1e21 ${AT}`, undefined],
    ['m v=1', 'm v=1 42'],
    ['  m   v=1,w="\n"   7  ', 'm v=1,w="\n" 7'],
    ['m v=1 -5', 'm v=1 -5'],
    ['m v=1 007', 'm v=1 7'],
    [`m v=1 0${AT.slice(1)}`, `m v=1 ${AT.slice(1)}`],
    ['m v=1,v=2 1', 'm v=1,v=2 1'],
    ['m time=1,v=2 1', 'm time=1,v=2 1'],
  ])('prints %j', (line, printed = line) => {
    const f = bench();
    expect(f(line).lines).toBe(`${printed}\n`);
    // And when it is known, by its own spelling too.
    expect(f(line).lines).toBe(`${printed}\n`);
    expect(f(line).verbatimLength).toBe(line === printed ? line.length : 0);
  });

  it.each<[string, Precision, string]>([
    ['cpu v=1 1500000000', 's', AT],
    ['cpu v=1 1500000000123', 'ms', '1500000000123000000'],
    ['cpu v=1 416666', 'h', '1499997600000000000'],
  ])('prints %j in %s', (line, precision, time) => {
    expect(bench()(line, precision).lines).toBe(`cpu v=1 ${time}\n`);
  });

  it('keeps the order of lines, whatever their fields', () => {
    const lines = ['a v=1 1', 'b,t=1 x=2i 2', 'a v=3 3', 'c v=1 4', 'b,t=1 x=5i 5'];
    const { lines: printed } = bench()(`${lines[0]}\n\n# x\n${lines.slice(1).join('\n')}\nbad\n`);
    expect(printed).toBe(`${lines.join('\n')}\n`);
  });

  it('says that a body is as it is printed only where it is', () => {
    const f = bench();
    const good = `m,a=1,b=2 v=1 ${AT}\n`;
    expect(f(good).verbatimLength).toBe(good.length);
    const odd = `m,b=2,a=1 v=1 ${AT}\n`;
    for (let i = 0; i < 3; i++) expect(f(good + odd + odd).verbatimLength).toBe(0);
    expect(f(good).verbatimLength).toBe(good.length);
    const longer = `new,b=1,a=1 v=1 ${AT}\n`;
    expect(f(longer + longer).verbatimLength).toBe(0);
  });

  it('falls back on encoding where nobody noted the lines', () => {
    const f = bench();
    const { batch } = f('m b=1e3,a=T 1');
    batch.lineStarts = null;
    const { bytes } = copier.encode(batch, allRuns(batch), () => Buffer.from('m'));
    expect(new TextDecoder().decode(bytes)).toBe('m a=true,b=1000 1\n');
  });

  it('prints what is read as the same, and prints that as it is', () => {
    // No backslashes: with them, and quotes in tags, lines are told apart otherwise once their tags are sorted. So in InfluxDB.
    const word = fc.stringMatching(/^[a-z][a-z "=#é]{0,5}[a-z]$/);
    const escaped = (text: string): string => text.replace(/[, =]/g, '\\$&');
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.maxSafeInteger().map((n) => `${n}i`),
      fc.constantFrom('t', 'F', 'true', 'False'),
      fc.string().map((text) => `"${text.replace(/["\\]/g, '\\$&')}"`),
    );
    const tag = fc.tuple(word, word).map(([k, v]) => `,${escaped(k)}=${escaped(v)}`);
    const field = fc.tuple(word, value).map(([k, v]) => `${escaped(k)}=${v}`);
    const blanks = fc.constantFrom(' ', ' ', '  ');
    const line = fc
      .tuple(
        fc.constantFrom('m', 'n\\ x'),
        fc.uniqueArray(tag, { maxLength: 3, selector: (text) => text.split('=')[0] }),
        blanks,
        fc.array(field, { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat().map(String), { nil: '' }),
      )
      .map(([name, tags, space, fields, time]) =>
        `${name}${tags.join('')}${space}${fields.join(',')}${space}${time}`.trimEnd(),
      );
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (lines) => {
        const series = new Series();
        const first = bench(series)(lines.join('\n'));
        const second = bench(series)(first.lines);
        expect(second.batch.pointCount).toBe(first.batch.pointCount);
        expect(second.lines).toBe(first.lines);
        expect(second.verbatimLength).toBe(
          first.lines.length === 0 ? 0 : Buffer.byteLength(first.lines),
        );
      }),
      { numRuns: 300 },
    );
  });
});
