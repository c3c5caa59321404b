// Servers for benchmarks of the storage: starts Tidegate and InfluxDB 1.x on loopback, and reads what they cost from /proc.
import { spawn } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { execSync } from 'node:child_process';

/** Clock ticks a second of /proc: 100 on every Linux that Node runs on. */
const TICKS = 100;

/** Servers that run; none outlives this process. */
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(1));

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

/** A request; its status, text and milliseconds. */
export function request(url, { method = 'GET', body } = {}) {
  return new Promise((done, failed) => {
    const startedMs = performance.now();
    const message = http.request(url, { method, agent }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part));
      answer.on('end', () =>
        done({
          status: answer.statusCode,
          text: Buffer.concat(parts).toString(),
          ms: performance.now() - startedMs,
        }),
      );
      answer.on('error', failed);
    });
    message.on('error', failed);
    message.end(body);
  });
}

/** CPU seconds of a process, user and system. */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** MiB resident now, and the most there were. */
export function memoryMiB(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const read = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024;
  return { now: Math.round(read('VmRSS')), peak: Math.round(read('VmHWM')) };
}

/** Waits until a process takes less than a twentieth of a core for a while; CPU seconds at the end of its work. */
export async function settle(pid, quietMs = 3000, longestMs = 600_000) {
  let last = cpuSeconds(pid);
  let busyAtMs = performance.now();
  const startedMs = busyAtMs;
  while (performance.now() - busyAtMs < quietMs && performance.now() - startedMs < longestMs) {
    await sleep(250);
    const now = cpuSeconds(pid);
    if (now - last > 0.0125) busyAtMs = performance.now();
    last = now;
  }
  return last;
}

/** Bytes of the files below a folder whose names match. */
export function diskBytes(folder, pattern = /./) {
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!pattern.test(name)) continue;
    const file = openSync(join(folder, name), 'r');
    fsyncSync(file);
    const stat = fstatSync(file);
    closeSync(file);
    if (stat.isFile()) bytes += stat.size;
  }
  return bytes;
}

const settings = (folder, port, data) => `reporting-disabled = true
bind-address = "127.0.0.1:${port + 1}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
index-version = "inmem"
max-series-per-database = 0
max-values-per-tag = 0
${data}
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
`;

/**
 * Starts a server over a folder and waits until it is ready.
 * @param name `tidegate` or `influxdb`
 * @param options data: lines for [data]; startedBy: what has to answer, '/ready' or '/ping'
 */
export async function startPeer(name, { folder, port, data = '' }) {
  mkdirSync(folder, { recursive: true });
  const url = `http://127.0.0.1:${port}`;
  const isTaken = await request(`${url}/ping`).then(
    () => true,
    () => false,
  );
  if (isTaken) throw new TypeError(`port ${port} is taken`);
  const config = join(folder, `${name}.conf`);
  writeFileSync(config, settings(folder, port, data));
  const log = openSync(join(folder, `${name}.log`), 'a');
  const startedMs = performance.now();
  const [command, ...args] =
    name === 'tidegate'
      ? [
          process.execPath,
          resolve(process.env.TIDEGATE_DIST ?? 'dist', 'apps/cli/main.js'),
          'run',
          '-config',
          config,
        ]
      : [process.env.INFLUXD ?? 'influxd', 'run', '-config', config];
  const child = spawn(command, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  children.add(child);
  const ended = new Promise((done) => child.on('exit', done)).then(() => children.delete(child));
  const health = name === 'tidegate' ? '/ready' : '/ping';
  for (;;) {
    try {
      if ((await request(url + health)).status < 300) break;
    } catch {
      // Not listening yet.
    }
    if (child.exitCode !== null) throw new TypeError(`${name} ended; see ${folder}/${name}.log`);
    await sleep(10);
  }
  const readyMs = performance.now() - startedMs;
  return {
    name,
    url,
    folder,
    pid: child.pid,
    readyMs,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** Runs a statement on database `bench`; its results and milliseconds. */
export async function query(peer, q) {
  const { status, text, ms } = await request(
    `${peer.url}/query?db=bench&q=${encodeURIComponent(q)}`,
    { method: 'POST' },
  );
  const { results, error } = JSON.parse(text);
  const failure = error ?? results[0].error;
  if (status !== 200 || failure !== undefined) throw new TypeError(`${q}: ${failure ?? status}`);
  return { results, ms };
}

/** Writes bodies over a few connections; milliseconds of each. */
export async function writeAll(peer, bodies, connections = 4) {
  const rest = bodies[Symbol.iterator]();
  const tookMs = [];
  const work = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) {
      const { status, text, ms } = await request(`${peer.url}/write?db=bench`, {
        method: 'POST',
        body: next.value,
      });
      if (status !== 204) throw new TypeError(`write: ${status} ${text}`);
      tookMs.push(ms);
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return tookMs;
}

/** The value at a share of a list, in order. */
export function quantile(list, share) {
  const sorted = Float64Array.from(list).sort();
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
}

/** What a result file says about the run. */
export function conditions(command) {
  return {
    commit: execSync('git rev-parse --short HEAD').toString().trim(),
    command,
    node: process.version,
    cores: os.cpus().length,
    processor: os.cpus()[0]?.model,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    note: 'shared machine: compare ratios within this run, not absolute figures',
  };
}

/** Writes bench/results/NAME.json. */
export function saveResults(name, command, results) {
  const path = `bench/results/${name}.json`;
  const content = { conditions: conditions(command), ...results };
  writeFileSync(path, `${JSON.stringify(content, null, 1)}\n`);
  console.log(path);
}
