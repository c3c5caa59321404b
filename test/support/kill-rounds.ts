/**
 * Kills a server under load again and again and checks each time that every acknowledged point is there once, with its value.
 * The ledger of acknowledgements is kept outside the server.
 */
import { query, type ServerProcess, startServer } from './server-process.js';

/** What the rounds did. */
export interface KillReport {
  readonly rounds: number;
  readonly acknowledgedPoints: number;
  /** What was wrong, one line each; empty when all is well. */
  readonly faults: readonly string[];
}

const WRITERS = 4;
const POINTS_PER_BATCH = 50;
const BASE_NS = 1_600_000_000_000_000_000n;

/** The value of a point, so that a wrong one shows. */
const valueOf = (writer: number, n: number): number => writer * 1e9 + n * 3 + 0.5;

/** One writer's batches, and what of them was acknowledged. */
class Writer {
  /** Points [0, next) have been sent. */
  private next = 0;
  readonly acknowledged: [number, number][] = [];

  constructor(private readonly number: number) {}

  /** Writes until the server is gone. */
  async run(url: string): Promise<void> {
    for (;;) {
      const from = this.next;
      const to = from + POINTS_PER_BATCH;
      const lines: string[] = [];
      for (let n = from; n < to; n++) {
        const host = `w=${this.number},s=${n % 10}`;
        lines.push(
          `m,${host} v=${valueOf(this.number, n)},n=${n}i ${BASE_NS + BigInt(n) * 1_000_000_007n}`,
        );
      }
      this.next = to;
      try {
        const answer = await fetch(`${url}/write?db=k`, { method: 'POST', body: lines.join('\n') });
        await answer.text();
        if (answer.status === 204) this.acknowledged.push([from, to]);
      } catch {
        return;
      }
    }
  }

  /** What is missing or wrong in the server. */
  async check(url: string): Promise<string[]> {
    const answer = await query(url, `SELECT n, v FROM m WHERE w = '${this.number}'`, {
      db: 'k',
      epoch: 'ns',
    });
    const rows = answer.results?.[0]?.series?.[0]?.values ?? [];
    const found = new Map<number, number>();
    const faults: string[] = [];
    for (const [, n, v] of rows as [number, number, number][]) {
      if (found.has(n)) faults.push(`writer ${this.number}: point ${n} is there twice`);
      if (v !== valueOf(this.number, n)) faults.push(`writer ${this.number}: point ${n} is ${v}`);
      found.set(n, v);
    }
    for (const [from, to] of this.acknowledged) {
      for (let n = from; n < to; n++) {
        if (!found.has(n)) faults.push(`writer ${this.number}: acknowledged point ${n} is lost`);
      }
    }
    return faults;
  }
}

/** Runs rounds of: start, check, write, kill. Snapshots are made small, so that kills meet them too. */
export async function killRounds(
  folder: string,
  rounds: number,
  tell: (line: string) => void = () => undefined,
): Promise<KillReport> {
  const writers = Array.from({ length: WRITERS }, (_, number) => new Writer(number));
  const faults: string[] = [];
  const start = (): Promise<ServerProcess> =>
    startServer({ folder, sections: { data: 'cache-snapshot-memory-size = "100k"' } });
  let server = await start();
  await query(server.url, 'CREATE DATABASE k');
  for (let round = 0; round < rounds; round++) {
    const work = writers.map((writer) => writer.run(server.url));
    await new Promise((done) => setTimeout(done, 50 + Math.random() * 450));
    await server.kill();
    await Promise.all(work);
    try {
      server = await start();
    } catch (error) {
      faults.push(`round ${round}: ${String(error)}`);
      break;
    }
    for (const writer of writers) faults.push(...(await writer.check(server.url)));
    tell(`round ${round + 1}: ${count(writers)} points acknowledged, ${faults.length} faults`);
    if (faults.length > 0) break;
  }
  await server.kill();
  return { rounds, acknowledgedPoints: count(writers), faults: faults.slice(0, 20) };
}

function count(writers: readonly Writer[]): number {
  return writers.reduce(
    (sum, writer) =>
      sum + writer.acknowledged.reduce((points, [from, to]) => points + to - from, 0),
    0,
  );
}
