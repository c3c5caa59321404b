// Gives a directory of InfluxDB's to Tidegate and back to InfluxDB, and compares what each answers.
//   node scripts/roundtrip-influxdb.mjs [--required]   build first; needs influxd 1.x on the PATH (or INFLUXD=…), and fails
//                                                      without it only where it is required
// Four rounds: our own directory, and InfluxDB's with the inmem and the tsi1 index, written to by both in turn.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startServer } from '../dist/test/support/server-process.js';

const influxd = process.env.INFLUXD ?? 'influxd';
if (spawnSync(influxd, ['version']).error !== undefined) {
  console.log('influxd is not installed: nothing to compare with');
  process.exit(process.argv.includes('--required') ? 1 : 0);
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function startInfluxdb(folder, indexVersion) {
  const port = await freePort();
  const config = join(folder, 'influxdb.conf');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    config,
    `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
index-version = "${indexVersion}"
cache-snapshot-write-cold-duration = "1s"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
`,
  );
  const child = spawn(influxd, ['run', '-config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk) => (output = (output + chunk).slice(-20_000)));
  const ended = new Promise((done) => child.on('exit', done));
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 600; i++) {
    try {
      if ((await fetch(`${url}/ping`)).status === 204) break;
    } catch {
      await sleep(50);
    }
  }
  return {
    url,
    output: () => output,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

const ask = async (url, q) => {
  const answer = await fetch(`${url}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q, db: 'r', epoch: 'ns' }),
  });
  return answer.text();
};

async function write(url, lines) {
  const answer = await fetch(`${url}/write?db=r`, { method: 'POST', body: lines.join('\n') });
  if (answer.status !== 204) throw new TypeError(`write: ${answer.status} ${await answer.text()}`);
}

const BASE_NS = 1_500_000_000_000_000_000n;

/** Points of every type over three weeks; `generation` makes some of them overwrite those of the one before. */
function points(generation) {
  const lines = [];
  for (let i = 0; i < 3000; i++) {
    const time = BASE_NS + BigInt(i) * 600_000_000_000n + BigInt(i % 3 === 0 ? 0 : generation);
    const tags = `host=h${i % (20 + generation * 10)},dc=d${i % 3}`;
    lines.push(
      `cpu,${tags} f=${i * 1.25 + generation},i=${i - generation}i,b=${i % 2 === 0},s="text ${i % 7}" ${time}`,
    );
    if (i % 10 === 0) lines.push(`m${generation},${tags} v${generation}=${generation} ${time}`);
  }
  lines.push(
    `big n=9223372036854775807i ${BASE_NS}`,
    `esc\\ aped,t\\ k=v\\,\\=x "f\\ d"=1 ${BASE_NS}`,
  );
  return lines;
}

const QUESTIONS = [
  'SHOW MEASUREMENTS',
  'SHOW SERIES',
  'SHOW TAG KEYS',
  'SHOW FIELD KEYS',
  'SHOW TAG VALUES WITH KEY =~ /.*/',
  'SELECT * FROM /.*/ GROUP BY *',
  'SELECT mean(f), sum(i), count(s), last(b) FROM cpu GROUP BY time(1d), host',
];

let failures = 0;
const answersOf = (url) => Promise.all(QUESTIONS.map((q) => ask(url, q)));
function compare(title, got, want) {
  const differing = QUESTIONS.filter((_, i) => got[i].trim() !== want[i].trim());
  const bytes = want.reduce((sum, body) => sum + body.length, 0);
  console.log(
    `${differing.length === 0 ? 'equal  ' : 'DIFFERS'} ${title} (${QUESTIONS.length} answers, ${bytes} bytes)`,
  );
  for (const body of want) if (body.includes('"error"')) throw new TypeError(body.slice(0, 300));
  for (const q of differing) {
    const i = QUESTIONS.indexOf(q);
    const at = [...got[i]].findIndex((letter, k) => letter !== want[i][k]);
    console.log(
      `  ${q}\n    got    …${got[i].slice(Math.max(0, at - 60), at + 120)}\n    wanted …${want[i].slice(Math.max(0, at - 60), at + 120)}`,
    );
  }
  failures += differing.length;
}

/** One directory from program to program: each answers as the one before did, then changes something. */
async function round(name, programs) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-roundtrip-'));
  let want = null;
  try {
    for (const [generation, program] of programs.entries()) {
      const server =
        program === 'tidegate'
          ? await startServer({ folder })
          : await startInfluxdb(folder, program.replace('influxdb ', ''));
      try {
        if (generation === 0) await ask(server.url, 'CREATE DATABASE r');
        if (want !== null)
          compare(
            `${name}: ${program} after ${programs[generation - 1]}`,
            await answersOf(server.url),
            want,
          );
        await write(server.url, points(generation));
        await ask(
          server.url,
          `DELETE FROM cpu WHERE host = 'h${generation + 1}' AND time < ${BASE_NS + 10n ** 15n}`,
        );
        await ask(server.url, `DROP SERIES WHERE host = 'h${generation + 5}' AND dc = 'd1'`);
        if (generation > 0) await ask(server.url, `DROP MEASUREMENT m${generation - 1}`);
        // InfluxDB writes its cache to files only when that is cold; one of the rounds leaves it in the log.
        if (program.startsWith('influxdb') && generation % 2 === 0) await sleep(3000);
        want = await answersOf(server.url);
      } finally {
        await server.stop();
      }
    }
  } finally {
    const kept = readdirSync(join(folder, 'data', 'r')).join(' ');
    console.log(`        ${name}: data/r holds ${kept}`);
    rmSync(folder, { recursive: true, force: true });
  }
}

await round('ours, inmem', ['tidegate', 'influxdb inmem', 'tidegate', 'influxdb inmem']);
await round('ours, tsi1', ['tidegate', 'influxdb tsi1', 'tidegate', 'influxdb tsi1']);
await round('theirs, inmem', ['influxdb inmem', 'tidegate', 'influxdb inmem', 'tidegate']);
await round('theirs, tsi1', ['influxdb tsi1', 'tidegate', 'influxdb tsi1', 'tidegate']);
console.log(failures === 0 ? 'all equal' : `${failures} answers differ`);
process.exit(failures === 0 ? 0 : 1);
