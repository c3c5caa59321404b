// Mutated captures against every listener: node scripts/fuzz-inputs.mjs [pieces each, default 100000] [seed]. Build first.
// Nothing may be thrown, the books have to balance, no piece may hold up the process for a second, and good input has to be stored
// afterwards. Then hostile input: no piece may take more than a second or 16 times its size in memory.
import { readFileSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { builtInInputs } from '../dist/libs/inputs/index.js';
import {
  benchInput,
  fuzzInput,
  sendTcp,
  sendUdp,
  until,
} from '../dist/libs/inputs/testing/index.js';

const pieces = Number(process.argv[2] ?? 100_000);
const seed = Number(process.argv[3] ?? Date.now() % 2 ** 31);
const captures = 'test/fixtures/captures';
const local = 'bind-address = "127.0.0.1:0"';
const collectd = `${local}\ntypesdb = "${captures}/collectd/types.db"\nauth-file = "${captures}/collectd/auth_file"`;
const definitionOf = (name) => builtInInputs.find(({ section }) => section.name === name);

function records(path, longest = 2000) {
  const bytes = readFileSync(`${captures}/${path}`);
  const found = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    found.push(bytes.subarray(at + 4, at + 4 + Math.min(longest, bytes.readUInt32BE(at))));
  }
  return found;
}

const put = (body, more = '') =>
  Buffer.concat([
    Buffer.from(
      `POST /api/put?details HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}Content-Length: ${body.length}\r\n\r\n`,
    ),
    body,
  ]);
const point = Buffer.from('[{"metric":"a","timestamp":1500000000,"value":1,"tags":{"h":"1"}}]');

const subjects = [
  [
    'udp',
    'udp',
    local,
    'udp',
    [
      Buffer.from('a,h=1 v=1,w=2i 1\nb s="x y" 2\n'),
      ...records('udp/raw/collectd_write_influxdb_udp.pkts'),
    ],
  ],
  [
    'graphite over TCP',
    'graphite',
    local,
    'tcp',
    [
      Buffer.from('a.b.c 1.5 1500000000\na;h=x 2 1500000001\n'),
      ...records('graphite/raw/collectd_default.conns'),
    ],
  ],
  [
    'graphite over UDP',
    'graphite',
    `${local}\nprotocol = "udp"`,
    'udp',
    [Buffer.from('a.b.c 1.5 1500000000\na;h=x 2 1500000001\n')],
  ],
  [
    'collectd',
    'collectd',
    collectd,
    'udp',
    ['plain', 'sign', 'encrypt', 'tg'].flatMap((name) => records(`collectd/${name}.pkts`)),
  ],
  [
    'opentsdb telnet',
    'opentsdb',
    local,
    'tcp',
    [
      Buffer.from('put a 1500000000 1 h=1\r\nversion\n'),
      ...['collectd_default', 'netdata_telnet'].flatMap((name) =>
        records(`opentsdb/raw/${name}.conns`),
      ),
    ],
  ],
  [
    'opentsdb HTTP',
    'opentsdb',
    local,
    'tcp',
    [put(point), put(gzipSync(point), 'Content-Encoding: gzip\r\n')],
  ],
];

let faults = 0;
process.on('uncaughtException', (error) => {
  faults++;
  console.log('thrown:', error);
});
for (const [name, kind, toml, transport, seeds] of subjects) {
  try {
    const definition = definitionOf(kind);
    const report = await fuzzInput({
      definition,
      toml,
      transport,
      database: kind,
      seeds,
      pieces,
      seed,
    });
    console.log(name, JSON.stringify(report));
  } catch (error) {
    faults++;
    console.log(name, 'FAILED', error);
  }
}

/** The most memory since the last call, MiB. Linux. */
function peakMiB() {
  const status = readFileSync('/proc/self/status', 'utf8');
  const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
  writeFileSync('/proc/self/clear_refs', '5');
  return peak;
}

const MIB = 1024 * 1024;
/** Buffers of a connection and a compiler at work. */
const MEMORY_FREE_MIB = 48;
const large = (text, bytes = 8 * MIB) => Buffer.from(text.repeat(Math.ceil(bytes / text.length)));
const array = (text) =>
  put(Buffer.concat([Buffer.from('['), large(`${text},`), Buffer.from(`${text}]`)]));
const hostile = [
  ['a line without an end', 'opentsdb', 'tcp', local, large('put a 1500000000 1 h=1 ')],
  ['lines that are no good', 'opentsdb', 'tcp', local, large('put a\n')],
  ['empty lines', 'opentsdb', 'tcp', local, large('\n', MIB)],
  ['empty data points', 'opentsdb', 'tcp', local, array('{}')],
  ['nested data', 'opentsdb', 'tcp', local, put(large('{"x":['))],
  [
    'escapes',
    'opentsdb',
    'tcp',
    local,
    put(Buffer.concat([Buffer.from('{"metric":"'), large('\\"'), Buffer.from('"}')])),
  ],
  [
    'a long number',
    'opentsdb',
    'tcp',
    local,
    put(Buffer.concat([Buffer.from('{"value":'), large('1')])),
  ],
  [
    'a bomb',
    'opentsdb',
    'tcp',
    local,
    put(gzipSync(Buffer.alloc(512 * MIB, '[')), 'Content-Encoding: gzip\r\n'),
  ],
  ['a line without an end', 'graphite', 'tcp', local, large('a.b.c')],
  ['lines that are no good', 'graphite', 'tcp', local, large('a b c d\n')],
  [
    'signatures',
    'collectd',
    'udp',
    collectd,
    large('\x02\x00\x00\x29aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaalice', 60_000),
  ],
  ['empty words', 'collectd', 'udp', collectd, large('\0\0\0\x05\0', 60_000)],
];
for (const [name, kind, transport, toml, bytes] of hostile) {
  const { input } = benchInput(definitionOf(kind), toml, { rejects: { reject: () => undefined } });
  await input.open();
  globalThis.gc?.();
  peakMiB();
  const before = process.memoryUsage().rss / MIB;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  if (transport === 'udp') {
    await sendUdp(input.addresses()[0], bytes);
    await until('the datagram', () => input.statistics()[0].values.bytesRx > 0);
  } else {
    await sendTcp(input.addresses()[0], bytes).catch(() => undefined);
  }
  await input.close();
  const tookMs = Math.round(performance.now() - startedMs);
  const { user, system } = process.cpuUsage(startedCpu);
  const cpuMs = Math.round((user + system) / 1000);
  const grownMiB = Math.round(peakMiB() - before);
  const allowedMiB = Math.round((16 * bytes.length) / MIB + MEMORY_FREE_MIB);
  await new Promise((done) => setTimeout(done, 20));
  delay.disable();
  const longestMs = Math.round(delay.max / 1e6);
  const isGood = longestMs < 1000 && grownMiB <= allowedMiB;
  if (!isGood) faults++;
  const size = `${(bytes.length / MIB).toFixed(2)} MiB`;
  console.log(
    isGood ? 'ok  ' : 'FAIL',
    `${kind}: ${name}`,
    JSON.stringify({ size, tookMs, cpuMs, longestMs, grownMiB, allowedMiB }),
  );
}
console.log(`seed ${seed}, ${faults} faults`);
process.exit(faults === 0 ? 0 : 1);
