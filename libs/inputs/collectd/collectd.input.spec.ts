import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { RecordedLog, temporaryFolder } from '#test-support';
import {
  assertBalanced,
  benchInput,
  conformanceChecks,
  type InputBench,
  sendUdp,
  until,
} from '../testing/index.js';
import { collectdInput } from './collectd.input.js';

const FIXTURES = 'test/fixtures/captures/collectd';
const LEVELS = ['none', 'sign', 'encrypt'] as const;
const MODES = ['split', 'join'] as const;
const CAPTURED = `typesdb = "${FIXTURES}/types.db"\nauth-file = "${FIXTURES}/auth_file"\n`;

const tomlOf = (level: string, mode: string): string =>
  `bind-address = "127.0.0.1:0"\nsecurity-level = "${level}"\nparse-multivalue-plugin = "${mode}"\n${CAPTURED}`;

const HEADER = 4;
/** A part of a packet. */
function part(type: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(payload.length + HEADER, 2);
  return Buffer.concat([header, payload]);
}
const word = (type: number, text: string): Buffer => part(type, Buffer.from(`${text}\0`));
function time(seconds: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(seconds));
  return part(1, payload);
}
/** A list of gauges. */
function gauges(...values: readonly number[]): Buffer {
  const payload = Buffer.alloc(2 + 9 * values.length);
  payload.writeUInt16BE(values.length);
  payload.fill(1, 2, 2 + values.length);
  values.forEach((value, i) => payload.writeDoubleLE(value, 2 + values.length + 8 * i));
  return part(6, payload);
}
/** A packet with one list. */
const packet = (type: string, seconds: number, ...values: readonly number[]): Buffer =>
  Buffer.concat([word(0, 'h'), word(2, 'p'), word(4, type), time(seconds), gauges(...values)]);

const encode = (first: number, count: number): Uint8Array =>
  Buffer.concat([
    word(0, 'h'),
    word(2, 'p'),
    word(4, 'gauge'),
    ...Array.from({ length: count }, (_, i) => [
      word(5, `t${(first + i) % 7}`),
      time(1_500_000_000 + first + i),
      gauges(first + i),
    ]).flat(),
  ]);

function records(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    found.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** Sends packets and waits for all of them. */
async function send({ input }: InputBench, packets: readonly Uint8Array[]): Promise<void> {
  const bytes = (): number => input.statistics()[0]?.values['bytesRx'] ?? 0;
  const before = bytes();
  await sendUdp(input.addresses()[0] ?? '', ...packets);
  const sent = packets.reduce((sum, each) => sum + each.length, 0);
  await until('all packets', () => bytes() === before + sent);
}

/** What a listener stores of some packets. */
async function stored(toml: string, ...packets: readonly Uint8Array[]) {
  const log = new RecordedLog();
  const bench = benchInput(collectdInput, toml, { logger: log });
  await bench.input.open();
  await send(bench, packets);
  await bench.input.close();
  const books = bench.input.ledger.snapshot();
  assertBalanced(books);
  expect(books.inFlight).toBe(0);
  const [{ values } = { values: {} as Record<string, number> }] = bench.input.statistics();
  return { lines: [...new Set(bench.sink.lines('collectd'))].sort(), values, books, log };
}

/** A JSON text whose large integers are kept as strings. */
const exact = (text: string): unknown =>
  JSON.parse(text.replaceAll(/([[,:] ?)(-?\d{16,})(?=[,\]}])/g, '$1"$2"'));

const escaped = (text: string, special: RegExp): string => text.replace(special, '\\$&');

/** A point in the notation of MemorySink. */
function lineOf(
  name: string,
  tags: Readonly<Record<string, string>>,
  fields: Readonly<Record<string, number>>,
  timeNs: number | string,
): string {
  const pairs = Object.entries(tags).filter(([, value]) => value !== '');
  const key = [
    escaped(name, /[, ]/g),
    ...pairs.map(([k, v]) => `${k}=${escaped(v, /[,= ]/g)}`),
  ].join(',');
  const values = Object.entries(fields).map(([field, value]) => `${field}=${Number(value)}`);
  return `${key} ${values.join(',')} ${timeNs}`;
}

/** The lines that the recorded answer for all measurements stands for. */
function goldenLines(file: string): readonly string[] {
  const { queries } = exact(readFileSync(`${FIXTURES}/${file}`, 'utf8')) as {
    readonly queries: readonly {
      readonly q: string;
      readonly body: {
        readonly results: readonly {
          readonly series: readonly {
            readonly name: string;
            readonly columns: readonly string[];
            readonly values: readonly (readonly (string | number | null)[])[];
          }[];
        }[];
      };
    }[];
  };
  const answer = queries.find(({ q }) => q.startsWith('SELECT *'));
  const tagKeys = ['host', 'instance', 'type', 'type_instance'];
  return (answer?.body.results[0]?.series ?? [])
    .flatMap(({ name, columns, values }) =>
      values.map((row) => {
        const tags: Record<string, string> = {};
        const fields: Record<string, number> = {};
        columns.forEach((column, i) => {
          const cell = row[i];
          if (column === 'time' || cell === null || cell === undefined) return;
          if (tagKeys.includes(column)) tags[column] = String(cell);
          else fields[column] = Number(cell);
        });
        return lineOf(name, tags, fields, String(row[0]));
      }),
    )
    .sort();
}

/** Lines without the order of fields, and with 0 for -0, which JSON does not tell apart. */
const comparable = (lines: readonly string[]): readonly string[] =>
  lines
    .map((line) => {
      const found = /^(.*) ([^ ]+) (\d+)$/s.exec(line.replaceAll('=-0 ', '=0 '));
      const fields = (found?.[2] ?? '').split(',').sort();
      return `${found?.[1]} ${fields.join(',')} ${found?.[3]}`;
    })
    .sort();

interface Recorded {
  readonly stream: string;
  readonly security_level: string;
  readonly mode: string;
  readonly stats: Readonly<Record<string, number>>;
  readonly golden: string | null;
}

describe('CollectdInput', () => {
  it.each(
    conformanceChecks({
      definition: collectdInput,
      toml: tomlOf('none', 'split'),
      transport: 'udp',
      database: 'collectd',
      encode,
      garbage: Buffer.from('hello, is this collectd?'),
      counters: [
        'pointsRx',
        'bytesRx',
        'pointsParseFail',
        'readFail',
        'batchesTx',
        'pointsTx',
        'batchesTxFail',
        'droppedPointsInvalid',
      ],
      badConfigs: [
        { toml: 'security-level = "high"', text: 'Invalid security level' },
        {
          toml: 'parse-multivalue-plugin = "both"',
          text: 'Invalid value for parse-multivalue-plugin. Valid options are "split" and "join"',
        },
      ],
    }).map((check): [string, () => Promise<void>] => [check.name, () => check.run()]),
  )('%s', (_name, run) => run());
});

describe('captured streams', () => {
  const index = JSON.parse(readFileSync(`${FIXTURES}/index.json`, 'utf8')) as Record<
    string,
    Recorded
  >;
  const cases = Object.entries(index).filter(([, each]) => 'stream' in each);

  it.each(cases)('%s', async (name, { stream, security_level: level, mode, golden, stats }) => {
    const packets = records(`${FIXTURES}/${stream}`);
    const { lines, values } = await stored(tomlOf(level, mode), ...packets);
    const wanted = golden === null ? [] : goldenLines(golden);
    const found = comparable(lines);
    // InfluxDB gives up packets with a value of the kind ABSOLUTE; ours stores all of them.
    for (const line of comparable(wanted)) expect(found).toContain(line);
    const surplus = found.filter((line) => !comparable(wanted).includes(line));
    if (golden === null || name.startsWith('tg')) expect(surplus).toEqual([]);
    else expect(surplus.filter((line) => line.includes('absolute'))).toHaveLength(2);
    expect(values['pointsParseFail']).toBe(0);
    if (golden?.startsWith('golden/tg') === true) {
      expect([values['pointsRx'], values['droppedPointsInvalid']]).toEqual([
        stats['pointsRx'],
        stats['droppedPointsInvalid'],
      ]);
    }
  });

  it.each(MODES)(
    'stores no more than InfluxDB but for packets with ABSOLUTE (%s)',
    async (mode) => {
      const found: string[] = [];
      let left = 0;
      for (const each of records(`${FIXTURES}/plain.pkts`)) {
        const { lines } = await stored(tomlOf('none', mode), each);
        if (lines.some((line) => line.includes('type=absolute'))) left++;
        else found.push(...lines);
      }
      expect(left).toBe(1);
      expect(comparable([...new Set(found)])).toEqual(
        comparable(goldenLines(`golden/plain_none_${mode}.json`)),
      );
    },
  );
});

describe('packets made by hand', () => {
  interface HandmadePoint {
    readonly measurement: string;
    readonly tags: Readonly<Record<string, string>>;
    readonly time: string | number;
    readonly fields: Readonly<Record<string, number>>;
  }
  const recorded = exact(readFileSync(`${FIXTURES}/handmade.json`, 'utf8')) as readonly {
    readonly name: string;
    readonly hex: string;
    readonly expect: Readonly<
      Record<string, { points: HandmadePoint[]; stats_delta: Record<string, number> }>
    >;
    readonly log: readonly string[];
  }[];
  /** What comes before the bad part of a packet is kept; ABSOLUTE is known. See docs/compat.md. */
  const kept = new Set([
    ...['absolute_u64max', 'part_len_0', 'part_len_3', 'part_len_4_number', 'part_len_past_end'],
    ...['good_then_garbage', 'enc_with_bad_inside'],
  ]);
  /** A key with a backslash before its comma reads back otherwise; bytes that are not UTF-8 do not compare as text. */
  const odd = new Set(['string_backslash_end', 'string_invalid_utf8', 'no_plugin']);
  const cases = recorded.flatMap(({ name, hex, expect: wanted, log }) =>
    LEVELS.flatMap((level) =>
      MODES.map((mode) => ({ name, hex, level, mode, log, wanted: wanted[`${level}/${mode}`] })),
    ),
  );

  it.each(cases.filter(({ name }) => !odd.has(name) && !kept.has(name)))(
    '$name, $level/$mode',
    async ({ hex, level, mode, wanted, log }) => {
      const { lines, values, books } = await stored(tomlOf(level, mode), Buffer.from(hex, 'hex'));
      const points = wanted?.points ?? [];
      expect(comparable(lines)).toEqual(
        comparable(
          points.map(({ measurement, tags, fields, time: timeNs }) =>
            lineOf(measurement, tags, fields, timeNs),
          ),
        ),
      );
      const counters = wanted?.stats_delta ?? {};
      expect(values['pointsParseFail']).toBe(counters['pointsParseFail'] ?? 0);
      expect(values['droppedPointsInvalid']).toBe(counters['droppedPointsInvalid'] ?? 0);
      const errors = log.flatMap((line) => /error="(.*)"$/.exec(line)?.[1] ?? []);
      if (values['pointsParseFail'] === 1) {
        expect(errors).toHaveLength(1);
        expect(books.offenders[0]?.text).toContain(errors[0]?.replaceAll('\\"', '"'));
      }
    },
  );

  it.each(recorded.filter(({ name }) => kept.has(name)))(
    '$name keeps what is good',
    async ({ hex }) => {
      const { lines } = await stored(tomlOf('none', 'split'), Buffer.from(hex, 'hex'));
      expect(lines).toHaveLength(1);
    },
  );

  it('stores a plugin without a name under the name of the value', async () => {
    const hex = recorded.find(({ name }) => name === 'no_plugin')?.hex ?? '';
    const { lines } = await stored(tomlOf('none', 'split'), Buffer.from(hex, 'hex'));
    expect(lines).toEqual(['_value,host=hm,type=gauge value=5.5 1500378136000000000']);
    const joined = await stored(tomlOf('none', 'join'), Buffer.from(hex, 'hex'));
    expect(joined.books.rejected).toEqual([{ name: 'series not possible', count: 1 }]);
  });

  it('names host, plugin and type of what it rejects', async () => {
    const { books, log } = await stored(tomlOf('none', 'split'), packet('nonsense', 1, 1));
    expect(books.offenders[0]?.text).toBe(
      'unable to find "nonsense" in TypesDB (host h, plugin p, type nonsense)',
    );
    const found = log.lines.find(({ phrase }) => phrase === 'collectd parse error');
    expect(found?.fields).toMatchObject({ list: 'host h, plugin p, type nonsense' });
  });

  it('loses a bad list only', async () => {
    const { lines, books } = await stored(
      tomlOf('none', 'split'),
      Buffer.concat([
        packet('gauge', 1, 1),
        packet('nonsense', 2, 1),
        packet('load', 3, 1),
        part(6, Buffer.from([0, 9, 1])),
        packet('gauge', 4, 4),
      ]),
    );
    expect(lines).toEqual([
      'p_value,host=h,type=gauge value=1 1000000000',
      'p_value,host=h,type=gauge value=4 4000000000',
    ]);
    expect(books.rejected.map(({ name }) => name)).toEqual([
      'unknown type',
      'wrong number of values',
      'invalid values',
    ]);
  });

  it('takes packets of up to 64 KiB', async () => {
    const large = encode(0, 1500);
    expect(large.length).toBeGreaterThan(40_000);
    const { lines, values } = await stored(tomlOf('none', 'split'), large);
    expect(lines).toHaveLength(1500);
    expect(values['pointsRx']).toBe(1500);
  });

  it('does not trust what stands before a signature', async () => {
    const signed = recorded.find(({ name }) => name === 'signed_good')?.hex ?? '';
    const [host] = [word(0, 'evil'), word(3, 'evil')];
    const { lines } = await stored(
      tomlOf('sign', 'split'),
      Buffer.concat([word(3, 'evil'), host, Buffer.from(signed, 'hex')]),
    );
    expect(lines).toEqual(['pl_value,host=hm,type=gauge value=1.5 1500378136000000000']);
  });
});

describe('files', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());
  const GAUGE = 'gauge value:GAUGE:U:U\n';

  it('waits for a types.db that is not there, and takes up changes', async () => {
    const path = `${folder.path}/types.db`;
    const bench = benchInput(
      collectdInput,
      `bind-address = "127.0.0.1:0"\ntypesdb = "${path}"\nbatch-timeout = "5ms"`,
    );
    await bench.input.open();
    const found = async (value: number): Promise<readonly string[]> => {
      await send(bench, [packet('gauge', value, value)]);
      return bench.sink.lines('collectd').map((line) => line.split(',')[0] ?? '');
    };
    expect(await found(0)).toEqual([]);
    expect(bench.input.ledger.snapshot().rejected).toEqual([{ name: 'unknown type', count: 1 }]);
    writeFileSync(path, GAUGE);
    for (let i = 1; !(await found(i)).includes('p_value'); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    writeFileSync(path, 'gauge level:GAUGE:U:U\n# a comment\n');
    for (let i = 1; !(await found(i)).includes('p_level'); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    rmSync(path);
    await bench.input.close();
  });

  it('reads all files of a folder and its folders', async () => {
    const path = `${folder.path}/types`;
    mkdirSync(`${path}/more`, { recursive: true });
    writeFileSync(`${path}/a.db`, `${GAUGE}pair x:GAUGE:0:U, y:GAUGE:0:U\nbroken\n`);
    writeFileSync(`${path}/more/b.db`, 'triple a:GAUGE:U:U b:GAUGE:U:U c:ABSOLUTE:U:U\n');
    const { lines, log } = await stored(
      `bind-address = "127.0.0.1:0"\ntypesdb = "${path}"\nparse-multivalue-plugin = "join"`,
      packet('pair', 1, 1, 2),
      packet('triple', 2, 1, 2, 3.5),
    );
    expect(lines).toEqual([
      'p,host=h,type=pair x=1,y=2 1000000000',
      'p,host=h,type=triple a=1,b=2,c=3 2000000000',
    ]);
    const warned = log.lines.find(({ phrase }) => phrase === 'Unable to parse collectd types file');
    expect(warned?.fields).toMatchObject({ lines: 1, line: 'broken' });
  });

  it('drops by points while the writer is busy', async () => {
    const bench = benchInput(
      collectdInput,
      `${tomlOf('none', 'split')}batch-size = 1\nbatch-pending = 1`,
    );
    await bench.input.open();
    bench.sink.hold();
    await send(bench, [packet('gauge', 1, 1), packet('load', 2, 1, 2, 3), Buffer.from('x')]);
    expect(bench.input.ledger.snapshot()).toMatchObject({
      dropped: [{ name: 'batches pending', count: 4 }],
      inFlight: 1,
    });
    bench.sink.release();
    await bench.input.close();
  });
});
