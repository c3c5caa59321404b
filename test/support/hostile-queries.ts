/**
 * Queries that no server should suffer from: run them all against a real one while another process asks for /ping, and see
 * how long that took, how much memory the server used, and what became of each.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { ServerProcess } from './server-process.js';

/** How much of everything. */
export interface HostileOptions {
  /** Rows stored, in ten series. */
  readonly rows: number;
  /** Slow queries at one time. */
  readonly concurrent: number;
  readonly tell?: (line: string) => void;
}

/** What was seen. */
export interface HostileReport {
  readonly pings: number;
  readonly pingP50Ms: number;
  readonly pingP99Ms: number;
  readonly pingMaxMs: number;
  /** The slowest /ping of each kind of query, in ms, where it took more than 100. */
  readonly slowPings: Readonly<Record<string, number>>;
  /** Most memory the server had resident. */
  readonly memoryPeakMiB: number;
  /** Answers of each kind of query: 'ok', or the text of the error, with how often. */
  readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Seconds until a query was gone whose client had hung up, and one that was killed while its client did not read. */
  readonly hangUpSeconds: number;
  readonly killSeconds: number;
}

const START_S = 1_577_836_800;
const SERIES = 10;
const LINES_PER_BODY = 10_000;

const PINGER = `
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true });
const times = [];
let isStopped = false;
process.stdin.on('end', () => { isStopped = true; }).resume();
const ping = () => {
  if (isStopped) { console.log(JSON.stringify(times)); process.exit(0); }
  const start = performance.now();
  const next = () => { times.push([Date.now(), performance.now() - start]); setTimeout(ping, 20); };
  http.get(process.argv[1] + '/ping', { agent }, (r) => r.on('end', next).resume()).on('error', next);
};
ping();
`;

interface Asked {
  readonly name: string;
  readonly query: string;
}

function hostileSet(): readonly Asked[] {
  const deep = (open: string, close: string, depth: number): string =>
    `${open.repeat(depth)}f${close.repeat(depth)}`;
  const year = `time >= ${START_S}s AND time < ${START_S + 31_536_000}s`;
  let subquery = 'SELECT f FROM m';
  for (let i = 0; i < 500; i++) subquery = `SELECT f FROM (${subquery})`;
  return [
    { name: 'nested parentheses', query: `SELECT ${deep('(', ')', 200_000)} FROM m` },
    { name: 'nested functions', query: `SELECT ${deep('abs(', ')', 50_000)} FROM m LIMIT 1` },
    { name: 'long sum', query: `SELECT ${'f + '.repeat(50_000)}f FROM m LIMIT 1` },
    {
      name: 'nested conditions',
      query: `SELECT f FROM m WHERE ${'(f > 0 AND '.repeat(20_000)}f > 0${')'.repeat(20_000)}`,
    },
    { name: 'nested subqueries', query: `${subquery} LIMIT 1` },
    { name: 'fine grid', query: `SELECT mean(f) FROM m WHERE ${year} GROUP BY time(1ns) fill(0)` },
    {
      name: 'fine grid in a zone',
      query: `SELECT count(f) FROM m WHERE ${year} GROUP BY time(7ns) fill(none) tz('Europe/Berlin')`,
    },
    {
      name: 'fine grid, cut',
      query: `SELECT mean(f) FROM m WHERE ${year} GROUP BY time(1ns) fill(0) LIMIT 3`,
    },
    { name: 'regex', query: `SELECT f FROM m WHERE s =~ /^(a+)+$/ AND s =~ /(.*a){30}/` },
    { name: 'large regex', query: `SELECT f FROM m WHERE h =~ /((a{0,100}){0,100}){0,100}/` },
    { name: 'collected', query: 'SELECT percentile(f, 99), median(f), mode(f), stddev(f) FROM m' },
    { name: 'subquery of all', query: 'SELECT max(g) FROM (SELECT f + f AS g, s FROM m)' },
  ];
}

const slowSet = (rows: number): readonly Asked[] => [
  { name: 'slow: rows', query: 'SELECT * FROM m' },
  {
    name: 'slow: windows',
    query: `SELECT mean(f), max(i) FROM m WHERE time < ${START_S + rows}s GROUP BY time(1s), h`,
  },
  { name: 'slow: collected', query: 'SELECT median(f) FROM m GROUP BY h' },
  { name: 'slow: rows of one', query: 'SELECT * FROM m WHERE f > 0 ORDER BY time DESC' },
];

/** Runs the set. @throws what the server does not answer */
export async function hostileQueries(
  server: ServerProcess,
  { rows, concurrent, tell = () => undefined }: HostileOptions,
): Promise<HostileReport> {
  await load(server.url, rows);
  tell(`${rows} rows stored`);
  const outcomes: Record<string, Record<string, number>> = {};
  const note = (name: string, outcome: string): void => {
    const counts = (outcomes[name] ??= {});
    counts[outcome] = (counts[outcome] ?? 0) + 1;
  };
  const pinger = startPinger(server.url);
  const phases: Phase[] = [];
  const begin = (name: string): void => void phases.push({ atMs: Date.now(), name });
  for (const { name, query } of hostileSet()) {
    begin(name);
    const outcome = await ask(server.url, query);
    tell(`${name}: ${outcome}, peak ${peakMiB(server.process.pid ?? 0)} MiB`);
    note(name, outcome);
  }
  const slow = slowSet(rows);
  begin(`${concurrent} at a time`);
  await Promise.all(
    Array.from({ length: concurrent }, async (_, i) => {
      const { name, query } = slow[i % slow.length];
      note(name, await ask(server.url, query));
    }),
  );
  tell(`${concurrent} at a time are through`);
  begin('unread');
  const hangUpSeconds = await hangUp(server.url);
  const killSeconds = await killUnread(server.url);
  phases.push({ atMs: Date.now(), name: 'end' });
  const answers = await pinger.stop();
  const pings = answers.map(([, ms]) => ms).sort((a, b) => a - b);
  return {
    pings: pings.length,
    pingP50Ms: pings[pings.length >> 1],
    pingP99Ms: pings[Math.floor(pings.length * 0.99)],
    pingMaxMs: pings[pings.length - 1],
    slowPings: slowest(answers, phases),
    memoryPeakMiB: peakMiB(server.process.pid ?? 0),
    outcomes,
    hangUpSeconds,
    killSeconds,
  };
}

interface Phase {
  readonly atMs: number;
  readonly name: string;
}

function slowest(
  answers: readonly (readonly [number, number])[],
  phases: readonly Phase[],
): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [atMs, ms] of answers) {
    const name = phases.findLast((phase) => phase.atMs <= atMs - ms / 2)?.name ?? 'begin';
    if (ms > 100 && ms > (found[name] ?? 0)) found[name] = Math.round(ms);
  }
  return found;
}

async function load(url: string, rows: number): Promise<void> {
  await ask(url, 'CREATE DATABASE d');
  for (let from = 0; from < rows; from += LINES_PER_BODY) {
    const lines: string[] = [];
    for (let row = from; row < Math.min(rows, from + LINES_PER_BODY); row++) {
      const text = `${'a'.repeat(25)}${row % 7 === 0 ? 'b' : ''}`;
      lines.push(
        `m,h=h${row % SERIES} f=${row % 1000}.5,i=${row}i,s="${text}" ${START_S + Math.floor(row / SERIES)}`,
      );
    }
    const response = await fetch(`${url}/write?db=d&precision=s`, {
      method: 'POST',
      body: lines.join('\n'),
    });
    await response.arrayBuffer();
  }
}

/** 'ok', or the error's text, cut short. */
function ask(url: string, query: string): Promise<string> {
  return new Promise((resolve) => {
    const request = post(url, query, (response) => {
      let head = '';
      let tail = '';
      response.on('data', (chunk: Buffer) => {
        const text = chunk.toString('latin1');
        if (head.length < 500) head += text;
        tail = (tail + text).slice(-500);
      });
      response.on('end', () => {
        const found = /"error":"((?:[^"\\]|\\.)*)"/.exec(tail) ?? /"error":"(.*)/.exec(head);
        resolve(found ? (found[1] ?? '').replace(/\d+/g, 'n').slice(0, 80) : 'ok');
      });
      response.on('error', () => resolve('broken off'));
    });
    request.on('error', (error) => resolve(`no answer: ${error.message}`));
  });
}

function post(
  url: string,
  query: string,
  onResponse: (response: http.IncomingMessage) => void,
): http.ClientRequest {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const request = http.request(
    `${url}/query?db=d`,
    { method: 'POST', headers, agent: false },
    onResponse,
  );
  request.end(`q=${encodeURIComponent(query)}`);
  return request;
}

/** Ids of the queries under way, but for the one that asks. */
async function running(url: string): Promise<readonly number[]> {
  const response = await fetch(`${url}/query?q=${encodeURIComponent('SHOW QUERIES')}`);
  const { results } = (await response.json()) as {
    results: { series: { values: [number, string][] }[] }[];
  };
  return results[0].series[0].values
    .filter(([, text]) => text.startsWith('SELECT'))
    .map(([id]) => id);
}

async function until(holds: () => Promise<boolean>): Promise<number> {
  const start = performance.now();
  while (!(await holds())) {
    if (performance.now() - start > 30_000) return Number.POSITIVE_INFINITY;
    await new Promise((done) => setTimeout(done, 20));
  }
  return (performance.now() - start) / 1000;
}

/** Starts a query whose answer nobody reads. */
async function unread(url: string): Promise<http.ClientRequest> {
  const all = `SELECT ${'*, '.repeat(9)}* FROM m`;
  const request = post(url, all, (response) => response.pause());
  request.on('error', () => undefined);
  await until(async () => (await running(url)).length === 1);
  // Until the connection takes no more.
  await new Promise((done) => setTimeout(done, 1000));
  if ((await running(url)).length !== 1)
    throw new TypeError('the answer was too short to be held up');
  return request;
}

async function hangUp(url: string): Promise<number> {
  const request = await unread(url);
  request.destroy();
  return until(async () => (await running(url)).length === 0);
}

async function killUnread(url: string): Promise<number> {
  const request = await unread(url);
  const [id] = await running(url);
  await ask(url, `KILL QUERY ${id}`);
  const seconds = await until(async () => (await running(url)).length === 0);
  request.destroy();
  return seconds;
}

function startPinger(url: string): { stop(): Promise<[number, number][]> } {
  const child = spawn(process.execPath, ['-e', PINGER, url], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    stop: () =>
      new Promise((resolve) => {
        child.on('close', () => resolve(JSON.parse(output) as [number, number][]));
        child.stdin.end();
      }),
  };
}

function peakMiB(pid: number): number {
  const found = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(Number(found?.[1] ?? 0) / 1024);
}
