import { readFileSync } from 'node:fs';
import net from 'node:net';
import { RecordedLog } from '#test-support';
import { benchInput, conformanceChecks, sendTcp, until } from '../testing/index.js';
import { graphiteInput } from './graphite.input.js';

const TCP = 'bind-address = "127.0.0.1:0"\n';

const encode = (first: number, count: number): Uint8Array =>
  Buffer.from(
    Array.from(
      { length: count },
      (_, i) => `a.b${(first + i) % 7} ${first + i} ${first + i}\n`,
    ).join(''),
  );

const COUNTERS = [
  'pointsRx',
  'bytesRx',
  'pointsParseFail',
  'pointsNaNFail',
  'batchesTx',
  'pointsTx',
  'batchesTxFail',
  'connsActive',
  'connsHandled',
];

/** What a listener stores of some bytes, each sent over a connection of its own. */
async function stored(toml: string, ...pieces: readonly (string | Uint8Array)[]) {
  const log = new RecordedLog();
  const { input, sink } = benchInput(graphiteInput, TCP + toml, { logger: log });
  await input.open();
  const addresses = input.addresses();
  for (const piece of pieces) {
    await sendTcp(addresses[addresses.length - 1] ?? '', Buffer.from(piece));
  }
  await input.close();
  const errors = log.lines
    .filter(({ phrase }) => phrase === 'Unable to parse line')
    .map(({ fields }) => fields['error']);
  return { lines: sink.lines('graphite'), errors, books: input.ledger.snapshot() };
}

const invalid = (text: string): string => `invalid graphite config: ${text}. `;

describe('GraphiteInput', () => {
  const checks = (['tcp', 'udp'] as const).flatMap((transport) =>
    conformanceChecks({
      definition: graphiteInput,
      toml: `${TCP}protocol = "${transport}"`,
      transport,
      database: 'graphite',
      encode,
      garbage: Buffer.from('a.b.c\n'),
      counters: COUNTERS,
      badConfigs: [
        {
          toml: 'templates = ["host.field"]',
          text: invalid('no measurement in template `host.field`'),
        },
        { toml: 'tags = ["=x"]', text: invalid("invalid template tags: =x'") },
        {
          toml: 'examples = ["a.b -> b value"]',
          text: invalid("example 'a.b -> b value' does not hold: it is 'a.b value'"),
        },
        {
          toml: 'examples = ["a.b"]',
          text: invalid("invalid example: 'a.b', want 'path -> series field'"),
        },
      ],
    }).map((check): [string, () => Promise<void>] => [`${transport}: ${check.name}`, check.run]),
  );
  it.each(checks)('%s', (_name, run) => run());

  interface RecordedCase {
    readonly line: string;
    readonly server_time: boolean;
    readonly result: { results: { series?: { name: string; values: [number, number][] }[] }[] };
    readonly log: readonly string[];
  }
  const cases = JSON.parse(
    readFileSync('test/fixtures/captures/graphite/handmade_lines.json', 'utf8'),
  ) as RecordedCase[];
  const texts = cases.filter(({ log }) => log.length > 0);

  it.each(texts.map((each): [string, RecordedCase] => [each.line, each]))(
    'refuses %j in the words of InfluxDB',
    async (line, { log }) => {
      const logged = / error=(.*)$/.exec(log[0] ?? '')?.[1] ?? '';
      const text = logged.startsWith('"') ? (JSON.parse(logged) as string) : logged;
      const found = await stored('parse-tags = false', `${line}\n`);
      expect(found.errors).toEqual([text]);
      expect(found.lines).toEqual([]);
      expect(found.books).toMatchObject({ received: 1, stored: 0, inFlight: 0 });
    },
  );

  it('reads the same on the fast path as by the grammar', async () => {
    const values = [
      '0',
      '-0',
      '7',
      '-2.50',
      '123456789012345678',
      '0.1234567890123456789',
      '1.',
      '.5',
    ];
    const text = values.map((value, i) => `a ${value} ${1500000000 + i}\n`).join('');
    const { lines } = await stored('', `a 1 1\n${text}`, `a\t1 1\n${text.replaceAll(' ', '\t')}`);
    const [first, second] = [lines.slice(0, values.length + 1), lines.slice(values.length + 1)];
    expect(first).toEqual(second);
    expect(first.slice(1)).toEqual(
      values.map(
        (value, i) =>
          `a value=${Object.is(Number(value), -0) ? '-0' : Number(value)} ${1500000000 + i}000000000`,
      ),
    );
  });

  it('takes tags of Graphite 1.1, which win over those of templates and the configuration', async () => {
    const toml = 'parse-tags = true\ntags = ["dc=x", "z=1"]\ntemplates = ["host.measurement*"]';
    const found = await stored(toml, 'h1.cpu.idle;dc=y;rack=r-1 1 5\n');
    expect(found.lines).toEqual(['cpu.idle,dc=y,host=h1,rack=r-1,z=1 value=1 5000000000']);
  });

  it.each(['a;b', 'a;=b', 'a;b=', ';a=b'])('takes %j for a name like any other', async (path) => {
    const found = await stored('', `${path} 1 5\n`);
    expect(found.lines).toEqual([`${path} value=1 5000000000`]);
  });

  it('keeps a last line without a newline', async () => {
    expect((await stored('', 'a 1 5\nb 2 6')).lines).toEqual([
      'a value=1 5000000000',
      'b value=2 6000000000',
    ]);
  });

  it('skips a line that is too long, and goes on', async () => {
    const long = 'x'.repeat(100_000);
    const found = await stored('max-line-size = "1k"', `a 1 5\n${long} 1 5\nb 2 6\n`);
    expect(found.lines).toEqual(['a value=1 5000000000', 'b value=2 6000000000']);
    expect(found.books.rejected).toEqual([{ name: 'line too long', count: 1 }]);
  });

  it('gives points without a time one of their own', async () => {
    const { lines } = await stored('', 'a 1\na 2 -1\na 3\n');
    expect(new Set(lines.map((line) => line.split(' ')[2])).size).toBe(3);
  });

  it('takes messages of the pickle protocol', async () => {
    // pickle.dumps([('a.b', (5, 1.5)), ('c', ('6.25', 2))], protocol=2)
    const message = Buffer.from(
      '80025d7100285803000000612e6271014b05473ff800000000000086710286710358010000006371045804000000362e323571054b02867106867107652e',
      'hex',
    );
    const framed = Buffer.concat([Buffer.from([0, 0, 0, message.length]), message]);
    const toml = 'pickle-bind-address = "127.0.0.1:0"';
    const found = await stored(toml, Buffer.concat([framed, framed]), framed.subarray(0, 20));
    expect(found.lines).toEqual([
      'a.b value=1.5 5000000000',
      'c value=2 6250000000',
      'a.b value=1.5 5000000000',
      'c value=2 6250000000',
    ]);
    expect(found.books.rejected).toEqual([{ name: 'bad pickle', count: 1 }]);
  });

  it('closes connections beyond the limit', async () => {
    const { input } = benchInput(graphiteInput, `${TCP}max-connections = 1`);
    await input.open();
    const address = input.addresses()[0] ?? '';
    const first = net.connect(Number(address.split(':')[1]), '127.0.0.1');
    await until('the first', () => input.statistics()[0].values['connsActive'] === 1);
    await sendTcp(address, Buffer.from('a 1 5\n')).catch(() => undefined);
    await until('the refusal', () => input.statistics()[0].values['connsRefused'] === 1);
    first.destroy();
    await input.close();
    expect(input.ledger.snapshot().received).toBe(0);
  });

  it('does not start with a protocol that is none', () => {
    expect(() => benchInput(graphiteInput, `${TCP}protocol = "sctp"`)).toThrow(
      'unrecognized Graphite input protocol sctp',
    );
  });
});
