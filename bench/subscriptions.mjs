// What subscribers cost ingest: CPU of the server with none, one that takes everything, one that is dead, and both; in one run.
//   node bench/subscriptions.mjs [rounds, default 5] [bodies, default 120]    build first; writes results/subscriptions.json
// Bodies of 5000 lines, 10 tags and 10 fields a line, integers and floats; every mode in each round with a server of its own.
import { fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { query, startServer } from '../dist/test/support/server-process.js';

const LINES = 5000;
const FIELDS = 10;
const WARM_UP = 30;
const CONNECTIONS = 3;
/** By number, made once. */
const bodies = [];

if (process.argv[2] === 'sink') {
  // A process of its own: what it costs is not the server's.
  const sink = http.createServer((request, response) => {
    request.on('data', () => undefined);
    request.on('end', () => response.writeHead(204).end());
  });
  sink.listen(0, '127.0.0.1', () => process.send(sink.address().port));
} else await main();

async function main() {
  const rounds = Number(process.argv[2] ?? 5);
  const count = Number(process.argv[3] ?? 120);
  const modes = {
    none: [],
    live: ['live'],
    dead: ['dead'],
    'live and dead': ['live', 'dead'],
    'live, queue in memory': ['live'],
  };
  const found = Object.fromEntries(Object.keys(modes).map((mode) => [mode, []]));
  const sink = fork(fileURLToPath(import.meta.url), ['sink']);
  const port = await new Promise((done) => sink.once('message', done));
  const address = { live: `http://127.0.0.1:${port}`, dead: 'http://127.0.0.1:9' };
  for (let round = 0; round < rounds; round++) {
    for (const [mode, subscribers] of Object.entries(modes)) {
      const cost = await run(
        subscribers.map((name) => [name, address[name]]),
        count,
        mode.includes('memory') ? '[subscriber]\nqueue-storage = "memory"' : '',
      );
      found[mode].push(cost);
      console.log(round, mode, cost.toFixed(4));
    }
  }
  sink.kill();
  const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
  const report = {
    what: 'CPU seconds of the server per million field values while it takes line protocol over HTTP, by subscribers of its retention policy; ratio to none by round, median',
    command: `node bench/subscriptions.mjs ${rounds} ${count}`,
    conditions: `${cpus().length} cores, shared machine, Node ${process.version}`,
    linesPerBody: LINES,
    values: count * LINES * FIELDS,
    modes: Object.fromEntries(
      Object.entries(found).map(([mode, list]) => [
        mode,
        {
          cpuSecondsPerMillionValues: list.map((one) => Number(one.toFixed(4))),
          ratio: Number(median(list.map((one, i) => one / found.none[i])).toFixed(3)),
        },
      ]),
    ),
  };
  console.log(JSON.stringify(report, null, 2));
  const path = new URL('results/subscriptions.json', import.meta.url);
  writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
}

/** CPU seconds per million values. */
async function run(subscribers, count, toml) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-subscribers-'));
  const server = await startServer({ folder, toml });
  await query(server.url, 'CREATE DATABASE b');
  for (const [name, url] of subscribers)
    await query(server.url, `CREATE SUBSCRIPTION ${name} ON b.autogen DESTINATIONS ALL '${url}'`);
  await send(server.url, 0, WARM_UP);
  const before = cpuSeconds(server.process.pid);
  await send(server.url, WARM_UP, count);
  while (subscribers.some(([name]) => name === 'live') && (await waiting(server.url)) > 0)
    await new Promise((done) => setTimeout(done, 5));
  const seconds = cpuSeconds(server.process.pid) - before;
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
  return seconds / ((count * LINES * FIELDS) / 1e6);
}

/** Points that wait for the live one. */
async function waiting(url) {
  const answer = await query(url, "SHOW STATS FOR 'subscriber_queue'");
  const [series] = answer.results[0].series.filter(({ tags }) => tags.name === 'live');
  return series.values[0][series.columns.indexOf('pointsWaiting')];
}

async function send(url, from, count) {
  let next = from;
  const worker = async () => {
    while (next < from + count) {
      const body = bodyOf(next++);
      const answer = await fetch(`${url}/write?db=b`, { method: 'POST', body });
      if (answer.status !== 204) throw new Error(await answer.text());
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}

function bodyOf(n) {
  bodies[n] ??= makeBody(n);
  return bodies[n];
}

function makeBody(n) {
  const lines = [];
  for (let i = 0; i < LINES; i++) {
    const host = i % 4000;
    const tags = Array.from({ length: 9 }, (_, t) => `tag${t}=value-${(host * (t + 3)) % 97}`);
    const fields = Array.from({ length: FIELDS }, (_, f) =>
      f % 2 === 0 ? `f${f}=${(i * 7 + n * f) % 1000}i` : `f${f}=${((i * 13 + n) % 1000) / 8}`,
    );
    const time = 1_600_000_000_000_000_000n + BigInt(n * 20_000_000_000 + (i >= 4000 ? 1e10 : 0));
    lines.push(`cpu,host=host_${host},${tags.join(',')} ${fields.join(',')} ${time}`);
  }
  return Buffer.from(lines.join('\n'));
}

function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // Clock ticks of a hundredth of a second on every Linux that Node runs on.
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
