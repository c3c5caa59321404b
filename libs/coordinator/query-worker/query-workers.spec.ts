import { silentLogger } from '#kernel';
import { noLimits, QueryLimitError, type ResultSeries } from '#query';
import { printed, SelectBench, START_S } from '../testing/select-bench.js';
import { QueryWorkers } from './query-workers.js';

/** Read in this thread and by workers. */
class Bench extends SelectBench {
  workers(workersMax: number, limits = noLimits): QueryWorkers {
    const { reader, memory } = this;
    return new QueryWorkers({ reader, memory, logger: silentLogger, limits, workersMax });
  }

  async there(workers: QueryWorkers, text: string): Promise<readonly string[]> {
    const series: ResultSeries[] = [];
    for await (const one of workers.run(this.task(text))) series.push(one);
    return printed(series);
  }
}

const HOSTS = ['a', 'b', 'c', 'd', 'e'];

/** Points of three weeks, hence of several shards. */
function points(from: number, to: number): string[] {
  const lines: string[] = [];
  for (let i = from; i < to; i++) {
    const timeS = START_S + i * 7200;
    for (const [h, host] of HOSTS.entries()) {
      const region = h % 2 === 0 ? 'east' : 'west';
      const wide = i % 50 === 0 ? 9007199254740993n + BigInt(i) : BigInt(i * h);
      lines.push(
        `cpu,host=${host},region=${region} f=${(i * 7 + h) % 101}.5,i=${wide}i,s="t${i % 9}",b=${i % 3 === 0} ${timeS}`,
      );
    }
    if (i % 4 === 0) lines.push(`mem,host=${HOSTS[i % 5]} used=${i} ${timeS}`);
  }
  return lines;
}

const QUERIES = [
  'SELECT * FROM cpu',
  'SELECT f, s FROM cpu WHERE f > 90',
  'SELECT * FROM cpu ORDER BY time DESC',
  'SELECT f FROM cpu GROUP BY host',
  'SELECT f FROM cpu GROUP BY host ORDER BY time DESC',
  'SELECT * FROM cpu LIMIT 10 OFFSET 95',
  'SELECT f FROM cpu GROUP BY * SLIMIT 2 SOFFSET 1',
  'SELECT mean(f), max(i), last(s) FROM cpu GROUP BY time(1d), region',
  'SELECT count(b) FROM cpu WHERE time >= 1600500000s AND time < 1601500000s GROUP BY time(6h) fill(none)',
  'SELECT top(f, host, 3) FROM cpu',
  'SELECT derivative(mean(f), 1h) FROM cpu GROUP BY time(1d), host',
  "SELECT f FROM cpu WHERE host =~ /a|b/ AND region = 'east'",
  'SELECT max(m) FROM (SELECT mean(f) AS m FROM cpu GROUP BY time(1d), host) GROUP BY host',
  'SELECT * FROM /c|m/ GROUP BY host',
  'SELECT i FROM cpu WHERE i > 9007199254740992',
  'SELECT nothing FROM cpu',
  'SELECT first(f), last(f) FROM cpu',
];

describe('QueryWorkers', () => {
  let bench: Bench;
  let workers: QueryWorkers;

  beforeAll(async () => {
    bench = new Bench();
    await bench.open();
    // In files, in files twice, and in the cache.
    await bench.write(points(0, 150));
    await bench.snapshot();
    await bench.write(points(100, 200));
    await bench.snapshot();
    await bench.write(points(190, 252));
    workers = bench.workers(2);
  });

  afterAll(async () => {
    await workers.close();
    await bench.close();
  });

  it.each(QUERIES)('answers as this thread does: %s', async (text) => {
    const expected = bench.here(text);
    expect(await bench.there(workers, text)).toEqual(expected);
    const alone = bench.workers(1);
    expect(await bench.there(alone, text)).toEqual(expected);
    await alone.close();
  });

  it('sees what is written, and what is deleted, since the files were opened', async () => {
    const text = "SELECT used FROM mem WHERE host = 'z'";
    await bench.write([`mem,host=z used=1 ${START_S}`, `mem,host=z used=2 ${START_S + 7200}`]);
    expect(await bench.there(workers, text)).toEqual(bench.here(text));
    await bench.snapshot();
    expect(await bench.there(workers, text)).toHaveLength(3);
    const [shard] = [...bench.store.allShards()].sort((a, b) => a.identity.id - b.identity.id);
    const key = new TextEncoder().encode('mem,host=z');
    const id = bench.store.index('db').findOrCreate(key, 0, key.length) as number;
    await shard.delete({
      seriesIds: new Set([id]),
      minNs: 0n,
      maxNs: BigInt(START_S) * 10n ** 9n,
      measurement: '',
    });
    expect(await bench.there(workers, text)).toHaveLength(2);
    expect(await bench.there(workers, text)).toEqual(bench.here(text));
  });

  it('passes on the errors of the store and of the engine', async () => {
    await expect(bench.there(workers, 'SELECT f FROM nope.autogen.cpu')).rejects.toThrow(
      'database not found: nope',
    );
    await expect(bench.there(workers, 'SELECT mean(f), s FROM cpu')).rejects.toThrow(
      'mixing aggregate and non-aggregate queries is not supported',
    );
    const tight = bench.workers(2, { ...noLimits, queryMemoryMaxBytes: 1024 });
    await expect(bench.there(tight, 'SELECT median(f) FROM cpu')).rejects.toThrow(
      /max-query-memory limit/,
    );
    await tight.close();
    expect(bench.memory.bytes).toBe(0);
  });

  it('counts the points of all of a query against max-select-point', async () => {
    const limited = bench.workers(2, { ...noLimits, selectPointsMax: 1000 });
    await expect(bench.there(limited, 'SELECT f FROM cpu')).rejects.toThrow(
      /max-select-point limit exceeded/,
    );
    await limited.close();
  });

  it('ends a query that is aborted, or whose reader leaves', async () => {
    const controller = new AbortController();
    const run = workers.run(bench.task('SELECT * FROM cpu GROUP BY *', controller.signal));
    await run.next();
    controller.abort();
    await expect(
      (async () => {
        for await (const series of run) expect(series.rowCount).toBeGreaterThan(0);
        throw new QueryLimitError('ended');
      })(),
    ).rejects.toThrow(/interrupted|ended/);
    for await (const series of workers.run(bench.task('SELECT * FROM cpu'))) {
      expect(series.rowCount).toBeGreaterThan(0);
      break;
    }
    expect(bench.memory.bytes).toBe(0);
  });

  it('goes on after its threads have ended', async () => {
    await workers.close();
    expect(await bench.there(workers, 'SELECT count(f) FROM cpu')).toEqual(
      bench.here('SELECT count(f) FROM cpu'),
    );
  });
});
