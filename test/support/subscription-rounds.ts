/**
 * One server subscribed to by another that is not there for a while, is killed, and answers 500: everything that the first
 * acknowledged has to be in the second, once, the last value of each point being the last written.
 */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { query } from './server-process.js';

/** A subscriber that can be started anew. */
export interface SubscriberProcess {
  readonly url: string;
  stop(): Promise<unknown>;
  kill(): Promise<void>;
}

/** What to do. */
export interface SubscriptionRounds {
  /** Where writes go; has a database `k` that nobody subscribes to. */
  readonly url: string;
  /** Starts the subscriber, always with the same data; it has a database `k`, too. */
  readonly startSubscriber: () => Promise<SubscriberProcess>;
  readonly writers: number;
  readonly points: number;
  readonly pointsPerBatch: number;
  /** How long the subscriber is stopped, and how long it answers 500. */
  readonly stopMs: number;
  readonly refuseMs: number;
  readonly log: (line: string) => void;
}

/** What happened. */
export interface SubscriptionReport {
  readonly acknowledgedPoints: number;
  readonly requests: number;
  readonly requestsFailed: number;
  /** Time from the last write to the last delivery. */
  readonly catchUpMs: number;
  readonly queue: Readonly<Record<string, number>>;
  /** What was wrong; empty when all is well. */
  readonly faults: readonly string[];
}

const BASE_MS = 1_600_000_000_000n;
const LAST_NS = BASE_MS * 1_000_000n;
const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Passes writes on to a subscriber, or answers 500 for it. */
class Gate {
  target: string | null = null;
  isRefusing = false;
  requests = 0;
  failed = 0;
  passed = 0;

  readonly server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => undefined);
    request.on('end', () => void this.pass(request.url ?? '', Buffer.concat(chunks), response));
  });

  async open(): Promise<string> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  private async pass(path: string, body: Buffer, response: http.ServerResponse): Promise<void> {
    this.requests++;
    try {
      if (this.isRefusing) throw new TypeError('refused for now');
      const answer = await fetch(`${this.target ?? ''}${path}`, { method: 'POST', body });
      const text = await answer.text();
      if (answer.status === 204) this.passed++;
      else this.failed++;
      response.writeHead(answer.status).end(text);
    } catch {
      this.failed++;
      response.writeHead(500).end('{"error":"not now"}');
    }
  }
}

/** Writes batch after batch: in nanoseconds, in milliseconds, and with a line that is refused, in turn. */
async function runWriter(
  rounds: SubscriptionRounds,
  writer: number,
  onBatch: () => void,
): Promise<number> {
  const count = Math.floor(rounds.points / rounds.writers);
  let batches = 0;
  for (let from = 0; from < count; from += rounds.pointsPerBatch) {
    const isMs = batches % 3 === 1;
    const unit = isMs ? 1n : 1_000_000n;
    const lines: string[] = [];
    const to = Math.min(count, from + rounds.pointsPerBatch);
    for (let n = from; n < to; n++) {
      lines.push(`m,w=${writer} v=${writer + n / 7},n=${n}i ${(BASE_MS + BigInt(n)) * unit}`);
    }
    lines.push(`last,w=${writer} n=${to}i ${BASE_MS * unit}`);
    if (batches % 3 === 2) lines.splice(3, 0, `m,w=${writer} v="no" ${BASE_MS * unit}`);
    const target = `${rounds.url}/write?db=k&precision=${isMs ? 'ms' : 'ns'}`;
    const answer = await fetch(target, { method: 'POST', body: lines.join('\n') });
    const text = await answer.text();
    const wanted = batches % 3 === 2 ? /dropped=1/ : /^$/;
    if (!wanted.test(text)) throw new TypeError(`write answered ${answer.status}: ${text}`);
    batches++;
    onBatch();
  }
  return count;
}

/** Runs all of it. */
export async function subscriptionRounds(rounds: SubscriptionRounds): Promise<SubscriptionReport> {
  const { url, writers, stopMs, refuseMs, log } = rounds;
  const gate = new Gate();
  const address = await gate.open();
  let subscriber = await rounds.startSubscriber();
  gate.target = subscriber.url;
  await fetch(`${url}/write?db=k`, { method: 'POST', body: `m,w=x v=1 ${LAST_NS}` });
  await query(url, `CREATE SUBSCRIPTION s ON k.autogen DESTINATIONS ALL '${address}'`);
  let batches = 0;
  const batchesMax = Math.ceil(rounds.points / writers / rounds.pointsPerBatch) * writers;
  const until = async (isMet: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await isMet())) await sleep(20);
  };
  const restart = async (how: 'kill' | 'stop', waitMs: number): Promise<void> => {
    await subscriber[how]();
    await sleep(waitMs);
    subscriber = await rounds.startSubscriber();
    gate.target = subscriber.url;
    log(`${how} and start again after ${waitMs} ms; ${batches} of ${batchesMax} batches written`);
  };
  const trouble = async (): Promise<void> => {
    await until(() => batches >= batchesMax * 0.1);
    await restart('kill', 0);
    gate.isRefusing = true;
    await sleep(refuseMs);
    gate.isRefusing = false;
    const before = gate.passed;
    await restart('stop', stopMs);
    // While it catches up.
    await until(() => gate.passed > before);
    await restart('kill', 0);
  };
  const troubles = trouble();
  const counts = await Promise.all(
    Array.from({ length: writers }, (_, w) => runWriter(rounds, w, () => batches++)),
  );
  const writtenMs = performance.now();
  await troubles;
  await until(async () => (await queueStatistics(url))['pointsWaiting'] === 0);
  const catchUpMs = Math.round(performance.now() - writtenMs);
  const faults = await compare(url, subscriber.url, counts);
  const queue = await queueStatistics(url);
  if (queue['pointsOffered'] !== queue['pointsDelivered'])
    faults.push(`offered and delivered differ: ${JSON.stringify(queue)}`);
  await query(url, 'DROP SUBSCRIPTION s ON k.autogen');
  await subscriber.stop();
  gate.server.closeAllConnections();
  await new Promise<void>((done) => gate.server.close(() => done()));
  return {
    acknowledgedPoints: counts.reduce((sum, count) => sum + count, 0),
    requests: gate.requests,
    requestsFailed: gate.failed,
    catchUpMs,
    queue,
    faults,
  };
}

async function queueStatistics(url: string): Promise<Record<string, number>> {
  const answer = await query(url, "SHOW STATS FOR 'subscriber_queue'");
  const [series] = answer.results?.[0].series ?? [];
  const values = series?.values[0] ?? [];
  return Object.fromEntries(series?.columns.map((name, i) => [name, Number(values[i])]) ?? []);
}

/** What differs between two servers, or from what was written. */
async function compare(from: string, to: string, counts: readonly number[]): Promise<string[]> {
  const faults: string[] = [];
  const ask = async (url: string, q: string): Promise<string> =>
    (await fetch(`${url}/query?${new URLSearchParams({ q, db: 'k', epoch: 'ns' })}`)).text();
  for (const [w, count] of counts.entries()) {
    for (const q of [
      `SELECT n, v FROM m WHERE w = '${w}'`,
      `SELECT n FROM last WHERE w = '${w}'`,
      `SELECT count(n), sum(n) FROM m WHERE w = '${w}'`,
    ]) {
      const [a, b] = await Promise.all([ask(from, q), ask(to, q)]);
      const [x, y] = [a, b].map((text) => createHash('sha256').update(text).digest('hex'));
      if (x !== y) faults.push(`${q}: ${a.slice(0, 200)} and ${b.slice(0, 200)}`);
    }
    const last = await ask(to, `SELECT n FROM last WHERE w = '${w}'`);
    if (!last.includes(`[${LAST_NS},${count}]`)) faults.push(`last of ${w} is ${last}`);
    const sums = await ask(to, `SELECT count(n), sum(n) FROM m WHERE w = '${w}'`);
    const wanted = `[0,${count},${(count * (count - 1)) / 2}]`;
    if (!sums.includes(wanted)) faults.push(`writer ${w}: ${sums} instead of ${wanted}`);
  }
  return faults;
}
