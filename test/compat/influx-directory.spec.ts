import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, temporaryFolder } from '#test-support';
import { firstDifference, isRecord, type Json, parseExact } from './exact-json.js';

const SETS = ['gens', 'compacted', 'levels', 'walonly', 'tsi1', 'meta'];
const FIXTURES = 'test/fixtures/influx-disk';

/** Answers that differ, each with its reason. */
const OTHER_ANSWERS: Readonly<Record<string, string>> = {
  'tsi: SHOW TAG VALUES WITH KEY =~ /.*/': 'a tsi1 index still lists the values of dropped series',
  'tsi: SHOW MEASUREMENT CARDINALITY': 'InfluxDB estimates 3 where there are 4',
  'm1: SHOW SERIES': 'InfluxDB lists no series of a database whose default policy has no shard',
  ': SHOW SUBSCRIPTIONS': 'passwords in addresses are not shown',
};

interface Recorded {
  readonly queries: {
    readonly q: string;
    readonly db: string | null;
    readonly params: Record<string, string>;
  }[];
  readonly hashes: {
    readonly q: string;
    readonly db: string;
    readonly sha256: string;
    readonly bytes: number;
  }[];
}

const ask = async (url: string, q: string, params: Record<string, string>): Promise<string> => {
  const answer = await fetch(`${url}/query?${new URLSearchParams({ ...params, q })}`);
  return answer.text();
};

/** What differs from the recorded answers, one line each. */
async function differences(url: string, set: string): Promise<string[]> {
  const text = readFileSync(join(FIXTURES, `${set}.json`), 'utf8');
  const recorded = JSON.parse(text) as Recorded;
  const exact = parseExact(text);
  const bodies = isRecord(exact) && Array.isArray(exact['queries']) ? exact['queries'] : [];
  const found: string[] = [];
  for (const [i, { q, db, params }] of recorded.queries.entries()) {
    const body = await ask(url, q, { ...params, ...(db === null ? {} : { db }) });
    const query = bodies[i] as { body: Json };
    const difference = firstDifference(parseExact(body), query.body, 1e-12);
    if (difference !== null && !(`${db ?? ''}: ${q}` in OTHER_ANSWERS))
      found.push(`${db ?? ''}: ${q}: ${difference}`);
  }
  for (const { q, db, sha256 } of recorded.hashes) {
    const body = await ask(url, q, { db, epoch: 'ns' });
    if (createHash('sha256').update(body).digest('hex') !== sha256) {
      found.push(`${db}: ${q}: another body: ${body.slice(0, 300)}`);
    }
  }
  return found;
}

/** Names below a folder that match. */
function filesIn(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
    pattern.test(name),
  );
}

describe("a directory of InfluxDB's", () => {
  it.each(SETS)(
    '%s answers as InfluxDB did, after a restart too, and its log is taken over',
    async (set) => {
      const folder = temporaryFolder();
      // The series file is 32 MB of preallocated space; only what goes with a tsi1 index is of interest.
      const left = set === 'tsi1' ? [] : ['--exclude=_series'];
      mkdirSync(folder.path, { recursive: true });
      execFileSync('tar', ['-xzf', `${FIXTURES}/${set}.tar.gz`, '-C', folder.path, ...left]);
      let server = await startServer({ folder: folder.path });
      try {
        expect(await differences(server.url, set)).toEqual([]);
        await server.stop();
        expect(filesIn(join(folder.path, 'wal'), /\.\w*wal$/)).toEqual([]);
        expect(existsSync(join(folder.path, 'data/tsi/autogen/1/index'))).toBe(set === 'tsi1');
        server = await startServer({ folder: folder.path });
        expect(await differences(server.url, set)).toEqual([]);
      } finally {
        await server.stop();
        folder.remove();
      }
    },
    60_000,
  );
});
