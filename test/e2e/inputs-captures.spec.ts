/**
 * What real senders sent to InfluxDB 1.6.7's inputs, sent to ours: the answers afterwards are InfluxDB's. Where Tidegate decided
 * otherwise (docs/compat.md), the listener is set to InfluxDB's way or the datagram in question is left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { sendTcp, sendUdp } from '#inputs/testing';
import { freePort, query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

const FIXTURES = 'test/fixtures/captures';

interface Golden {
  readonly stats: Readonly<Record<string, number>>;
  readonly queries: readonly { readonly q: string; readonly body: object }[];
}

/** One sender's bytes to one listener. */
interface Stream {
  readonly name: string;
  readonly database: string;
  readonly transport: 'tcp' | 'udp';
  /** Section and keys of the listener. */
  readonly kind: string;
  readonly keys: string;
  readonly pieces: readonly Buffer[];
  readonly golden: Golden;
}

/** Records of a capture: a 32-bit length before each. */
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

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));

/** Recorded answers, with our database in the place of the recorded one. */
const goldenOf = (path: string, recorded: string, database: string): Golden =>
  JSON.parse(readFileSync(path, 'utf8').replaceAll(recorded, database)) as Golden;

/** The captures were made on this day, which is when points without a time came in. */
const CAPTURE_DAY_NS = 1_795_219_200e9;
const DAY_NS = 86_400e9;

/** An answer with the times of reception masked; JSON knows no difference between 0 and -0. */
function comparable(answer: object, mask: boolean): unknown {
  const nowNs = Date.now() * 1e6;
  return JSON.parse(JSON.stringify(answer), (_key, value: unknown) => {
    if (typeof value !== 'number' || !mask) return value;
    if (Math.abs(value - nowNs) < 600e9) return '<now>';
    return value > CAPTURE_DAY_NS && value < CAPTURE_DAY_NS + DAY_NS ? '<now>' : value;
  });
}

function graphiteStreams(): readonly Stream[] {
  const folder = `${FIXTURES}/graphite`;
  const { tcp_listeners: listeners } = json(`${folder}/configs.json`) as {
    tcp_listeners: Record<string, string>;
  };
  const raw = readdirSync(`${folder}/raw`);
  const goldens = readdirSync(`${folder}/golden`).filter((name) => name.endsWith('.json'));
  return goldens.flatMap((file) => {
    const [source = '', listener = ''] = file.replace('.json', '').split('__');
    const capture = raw.find((name) => name.startsWith(`${source}.`));
    const pieces =
      capture === undefined
        ? [readFileSync(`${folder}/${source}.txt`)]
        : records(`${folder}/raw/${capture}`);
    const transport = listener === 'udp' ? 'udp' : 'tcp';
    const policy = listener === 'rp' ? 'retention-policy = "rp_custom"' : '';
    return {
      name: `graphite ${source} to listener ${listener}`,
      database: `g_${source}_${listener}`,
      transport,
      kind: 'graphite',
      keys: `protocol = "${transport}"\ntemplate-matching = "influxdb"\nparse-tags = false\n${policy}\n${listeners[listener] ?? ''}`,
      // InfluxDB loses a last line without a newline; ours keeps it.
      pieces: pieces.map((piece) => piece.subarray(0, piece.lastIndexOf(10) + 1)),
      golden: goldenOf(`${folder}/golden/${file}`, `g_${listener}`, `g_${source}_${listener}`),
    } satisfies Stream;
  });
}

function udpStreams(): readonly Stream[] {
  const folder = `${FIXTURES}/udp`;
  // InfluxDB drops a datagram with a bad line, and its good lines.
  const isGood = (datagram: Buffer): boolean =>
    !/value=(inf|18446744073709551615i)/.test(datagram.toString());
  const f = (source: string, precision: string): Stream => ({
    name: `udp ${source} with precision ${precision}`,
    database: `u_${source}_${precision}`,
    transport: 'udp',
    kind: 'udp',
    keys: `precision = "${precision === 'none' ? '' : precision}"`,
    pieces: records(`${folder}/raw/${source}.pkts`).filter(isGood),
    golden: goldenOf(
      `${folder}/golden/${source}__${precision}.json`,
      `u_${precision}`,
      `u_${source}_${precision}`,
    ),
  });
  return [
    ...['ms', 's', 'm', 'h'].map((precision) => f('collectd_write_influxdb_udp', precision)),
    ...['none', 'n'].map((precision) => f('python_influxdb_udp', precision)),
  ];
}

describe('captured streams', () => {
  const folder = temporaryFolder();
  const streams = [...graphiteStreams(), ...udpStreams()];
  const addresses = new Map<string, string>();
  let server: ServerProcess;

  beforeAll(async () => {
    let toml = '';
    for (const { database, kind, keys } of streams) {
      const address = `127.0.0.1:${await freePort()}`;
      addresses.set(database, address);
      toml += `[[${kind}]]\nenabled = true\nbind-address = "${address}"\ndatabase = "${database}"\nbatch-timeout = "20ms"\n${keys}\n`;
    }
    server = await startServer({ folder: folder.path, toml });
    for (const { database, transport, pieces } of streams) {
      const address = addresses.get(database) ?? '';
      for (const piece of pieces) {
        if (transport === 'tcp') await sendTcp(address, piece);
        else await sendUdp(address, piece);
      }
    }
  }, 120_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  it.each(streams.map((stream): [string, Stream] => [stream.name, stream]))(
    '%s',
    async (_name, { database, kind, golden }) => {
      const { q, body } = golden.queries[golden.queries.length - 1];
      const areServerTimesMasked = /handmade|python/.test(database);
      const ask = async (text: string): Promise<unknown> =>
        comparable(
          await query(server.url, text, { db: database, epoch: 'ns' }),
          areServerTimesMasked,
        );
      const wanted = comparable(body, areServerTimesMasked);
      // Batches are written 20 ms after their first point.
      for (let i = 0; i < 250 && JSON.stringify(await ask(q)) !== JSON.stringify(wanted); i++) {
        await new Promise((done) => setTimeout(done, 20));
      }
      for (const each of golden.queries) {
        expect({ q: each.q, answer: await ask(each.q) }).toEqual({
          q: each.q,
          answer: comparable(each.body, areServerTimesMasked),
        });
      }
      const statistics = await query(server.url, `SHOW STATS FOR '${kind}'`);
      const mine = statistics.results?.[0]?.series?.find(
        ({ tags }) => tags?.['bind'] === addresses.get(database),
      );
      const counter = (name: string): unknown => mine?.values[0]?.[mine.columns.indexOf(name)];
      if (kind === 'graphite' && !database.includes('shell')) {
        for (const name of ['pointsRx', 'pointsParseFail', 'pointsNaNFail', 'pointsTx']) {
          expect([name, counter(name)]).toEqual([name, golden.stats[name]]);
        }
      }
    },
    20_000,
  );
});
