/**
 * Sends random and mutated bodies to a server's /write and checks that it answers each in time with a status that InfluxDB
 * has, that its counters add up, and that its memory does not grow with the number of bodies.
 */
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { query, type ServerProcess } from './server-process.js';

/** How long to go on, and from which seed. */
export interface FuzzOptions {
  readonly bodies: number;
  readonly seed: number;
  readonly tell?: (line: string) => void;
}

/** What was seen. */
export interface FuzzReport {
  readonly seed: number;
  readonly bodies: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly slowestMs: number;
  /** Resident memory after a tenth of the bodies and at the end, MiB. */
  readonly memoryMiB: readonly [number, number];
  readonly faults: readonly string[];
}

const SEEDS = [
  'm,a=1,b=2 f=1,g=2i,s="x y",b=true 1500000000000000000',
  'cpu,host=a\\ b,re\\,g=x\\=y val\\ ue=1.5e3,s="q\\"z" 12\nmem used=1i\n',
  'm,z=1,a=2 f=1i\nm f=t,g=-1.5,h=.5 -3\n# comment\n\n',
  'm s="a\nb",t="" 9',
  '温度,場所=東京 値=21.5 1',
];
const BYTES = Buffer.from(' ,="\\\n\t\r#abtfTF01.-+eEiuN_\0\xff\x80"');
const STATUSES = new Set([204, 400, 413, 500]);
/** No body of a few hundred bytes may take longer; far above what one takes on a busy machine. */
const ANSWER_MS_MAX = 5000;
const AT_ONCE = 8;

/** A small generator of numbers, the same for the same seed everywhere. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

function mutate(random: (below: number) => number): Buffer {
  const from = Buffer.from(SEEDS[random(SEEDS.length)] ?? '');
  const bytes = [...(random(10) === 0 ? Buffer.concat([from, Buffer.from('\n'), from]) : from)];
  for (let edits = random(6); edits >= 0; edits--) {
    const at = random(bytes.length + 1);
    const byte = random(4) === 0 ? random(256) : (BYTES[random(BYTES.length)] ?? 0);
    const kind = random(4);
    if (kind === 0) bytes.splice(at, 1 + random(8));
    else if (kind === 1) bytes.splice(at, 0, byte);
    else if (kind === 2) bytes.splice(at, 0, ...bytes.slice(at, at + random(30)));
    else bytes[at] = byte;
  }
  return Buffer.from(bytes);
}

function memoryMiB(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024);
}

type Counters = Record<string, number>;

async function counters(url: string): Promise<{ httpd: Counters; write: Counters }> {
  const answer = (await (await fetch(`${url}/debug/vars`)).json()) as Record<
    string,
    { name?: string; values?: Counters }
  >;
  const find = (name: string): Counters =>
    Object.values(answer).find((entry) => entry?.name === name)?.values ?? {};
  return { httpd: find('httpd'), write: find('write') };
}

/** Runs the bodies, eight at a time. */
export async function fuzzWrites(server: ServerProcess, options: FuzzOptions): Promise<FuzzReport> {
  const { bodies, seed, tell = () => undefined } = options;
  const random = numbers(seed);
  const statuses: Record<string, number> = {};
  const faults: string[] = [];
  let slowestMs = 0;
  let sent = 0;
  let early = 0;
  await query(server.url, 'CREATE DATABASE fuzz');
  const before = await counters(server.url);
  const work = async (): Promise<void> => {
    while (sent < bodies && faults.length < 20) {
      const number = sent++;
      let body: Buffer = mutate(random);
      const headers: Record<string, string> = {};
      const precision = ['ns', 'u', 'ms', 's', 'm', 'h', 'x'][random(7)] ?? 'ns';
      const gzip = random(20);
      if (gzip < 2) headers['content-encoding'] = 'gzip';
      if (gzip === 0) body = gzipSync(body);
      const startedMs = performance.now();
      try {
        const answer = await fetch(`${server.url}/write?db=fuzz&precision=${precision}`, {
          method: 'POST',
          headers,
          body: new Uint8Array(body),
        });
        const text = await answer.text();
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        if (!STATUSES.has(answer.status))
          faults.push(`body ${number}: status ${answer.status} ${text}`);
        if (answer.status === 500)
          faults.push(`body ${number} (${body.toString('base64')}): ${text}`);
      } catch (error) {
        faults.push(`body ${number} (${body.toString('base64')}): ${String(error)}`);
      }
      const tookMs = performance.now() - startedMs;
      slowestMs = Math.max(slowestMs, tookMs);
      if (tookMs > ANSWER_MS_MAX) faults.push(`body ${number} took ${Math.round(tookMs)} ms`);
      if (number === Math.floor(bodies / 10)) early = memoryMiB(server.process.pid);
      if ((number + 1) % 10_000 === 0) tell(`${number + 1} bodies, ${faults.length} faults`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const after = await counters(server.url);
  const grew = (of: 'httpd' | 'write', name: string): number =>
    (after[of][name] ?? 0) - (before[of][name] ?? 0);
  // Every point received was stored, dropped for a reason, or in a write that failed.
  const received = grew('write', 'pointReq');
  const accounted =
    grew('write', 'pointReqLocal') + grew('write', 'writeDrop') + grew('write', 'pointReqFail');
  if (received !== accounted)
    faults.push(`${received} points received, ${accounted} accounted for`);
  // A shard that is new stores its rows beside one that refuses the write: such points are stored, but not told as written.
  if (grew('httpd', 'pointsWrittenOK') > grew('write', 'pointReqLocal'))
    faults.push('more points told as written than stored');
  if (grew('httpd', 'pointsWrittenOK') === 0) faults.push('no body had a good point');
  const late = memoryMiB(server.process.pid);
  if (bodies >= 50_000 && late > early + 150)
    faults.push(`memory grew from ${early} to ${late} MiB`);
  return {
    seed,
    bodies,
    statuses,
    slowestMs: Math.round(slowestMs),
    memoryMiB: [early, late],
    faults,
  };
}
