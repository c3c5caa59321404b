import { parseQuery, type StatementExtension } from '#influxql';
import { type Logger, NodeFileSystem, silentLogger } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { ManualClock, temporaryFolder } from '#test-support';
import { CoordinatorError } from './errors.js';
import { RunningQueries } from './running-queries.js';
import { table } from './statement-executor-show.js';
import { StatementExecutor } from './statement-executor.js';
import type { StatementEvent, StorageCommands } from './statement-ports.js';

/** A statement of our own. */
const ours: StatementExtension = {
  word: 'OURS',
  parse: () => ({
    kind: 'extension',
    name: 'ours',
    text: 'SHOW OURS',
    options: {},
    privileges: 'read',
  }),
};

const folder = temporaryFolder();
afterAll(() => folder.remove());
let count = 0;

const setUp = async (limits = { concurrentMax: 0, timeoutMs: 0 }) => {
  const clock = new ManualClock();
  const meta = new MetaClient({
    store: new LocalMetaStore(new NodeFileSystem(), `${folder.path}/${count++}`, silentLogger),
    config: { isRetentionAutocreated: true },
    clock,
    logger: silentLogger,
  });
  await meta.open();
  const deleted: string[] = [];
  const record = (what: string) => (): Promise<void> => {
    deleted.push(what);
    return Promise.resolve();
  };
  const storage: StorageCommands = {
    deleteDatabase: record('database'),
    deleteRetentionPolicy: record('policy'),
    deleteShard: record('shard'),
    dropMeasurement: record('measurement'),
    dropSeries: record('series'),
    deletePoints: record('points'),
  };
  const logged: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (_, fields) => logged.push(String(fields?.['query'])),
    with: () => logger,
  };
  const queries = new RunningQueries(clock, limits);
  const executor = new StatementExecutor({
    meta,
    storage,
    queries,
    clock,
    logger,
    engine: {
      async *execute(statement) {
        await Promise.resolve();
        if (statement.kind === 'select' && statement.limit === 7)
          throw new CoordinatorError('x', 'broke');
        yield {
          grain: 'rows',
          series: { name: 'm', tags: null, columns: [], rowCount: 0, data: [], partial: false },
        };
      },
    },
    monitor: {
      statistics: () => [
        { name: 'httpd', tags: { bind: ':1' }, values: { req: 2, queryReq: 1.5 } },
      ],
      diagnostics: () => [{ name: 'build', columns: ['Version'], rows: [['1']] }],
    },
    isQueryLogged: true,
    logQueriesAfterMs: 0,
    extensions: [{ name: 'ours', run: () => [table('ours', ['a'], [['b']])] }],
  });
  const run = async (
    text: string,
    request: { database?: string; isReadOnly?: boolean } = {},
  ): Promise<StatementEvent[]> => {
    const events: StatementEvent[] = [];
    const { database = '', isReadOnly = false } = request;
    const all = executor.run({
      statements: parseQuery(text, { extensions: [ours] }),
      database,
      retentionPolicy: '',
      isReadOnly,
      chunkRows: 0,
      user: null,
      signal: new AbortController().signal,
    });
    for await (const event of all) events.push(event);
    return events;
  };
  const short = async (text: string, request = {}): Promise<string[]> =>
    (await run(text, request)).map((event) =>
      event.kind === 'end'
        ? `${event.statementId} ${event.error ?? 'ok'}${event.messages.map((message) => ` (${message.text})`).join('')}`
        : `${event.statementId} series ${event.series.name}`,
    );
  return { meta, queries, deleted, logged, run, short };
};

describe('StatementExecutor', () => {
  it('runs statements in order and tells the rest apart after the first error', async () => {
    const { short } = await setUp();
    expect(
      await short(
        'CREATE DATABASE d; SHOW DATABASES; SELECT f FROM d..m; KILL QUERY 99; SHOW USERS; SHOW USERS',
      ),
    ).toEqual([
      '0 ok',
      '1 series databases',
      '1 ok',
      '2 series m',
      '2 ok',
      '3 no such query id: 99',
      '3 not executed',
      '3 not executed',
    ]);
  });

  it('asks whoever answers statements of our own', async () => {
    const { short } = await setUp();
    expect(await short('SHOW OURS; SHOW USERS')).toEqual([
      '0 series ours',
      '0 ok',
      '1 series ',
      '1 ok',
    ]);
  });

  it('warns of changes in a read-only request, not of DELETE', async () => {
    const { short } = await setUp();
    expect(await short('CREATE DATABASE d', { isReadOnly: true })).toEqual([
      "0 ok (deprecated use of 'CREATE DATABASE d' in a read only context, please use a POST request instead)",
    ]);
    expect(await short('DELETE FROM m', { isReadOnly: true, database: 'd' })).toEqual(['0 ok']);
  });

  it('names measurements in full before anything is run or logged', async () => {
    const { logged, short } = await setUp();
    await short('CREATE DATABASE d');
    await short('SELECT f INTO n FROM m', { database: 'd' });
    expect(logged[1]).toBe('SELECT f INTO d.autogen.n FROM d.autogen.m');
  });

  it.each([
    ['SELECT f FROM m', '', 'database name required'],
    ['SELECT f FROM m', 'nodb', 'database not found: nodb'],
    [
      'SELECT f FROM _series',
      'd',
      "unable to use system source '_series': use SHOW SERIES instead",
    ],
    ['SELECT f FROM m LIMIT 7', 'd', 'broke'],
    ['SHOW RETENTION POLICIES', '', 'database name required'],
    ['SHOW GRANTS FOR nobody', '', 'user not found'],
    ['DROP SERIES FROM m', '', 'database not found: '],
    [
      'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(f) INTO d.nope.x FROM m GROUP BY time(1h) END',
      'd',
      'retention policy not found: d.nope',
    ],
  ])('refuses %s on %j', async (text, database, error) => {
    const { short } = await setUp();
    await short('CREATE DATABASE d');
    expect(await short(text, { database })).toEqual([`0 ${error}`]);
  });

  it('removes what storage holds of what is dropped', async () => {
    const { deleted, short, meta } = await setUp();
    await short('CREATE DATABASE d');
    await meta.createShardGroup('d', '', 5n);
    const results = await short(
      "DROP SHARD 1; DELETE FROM m WHERE time < 5; DROP SERIES WHERE h = 'a'; DROP MEASUREMENT m",
      { database: 'd' },
    );
    expect(results).toEqual(['0 ok', '1 ok', '2 ok', '3 ok']);
    await short('DROP RETENTION POLICY autogen ON d; DROP DATABASE d');
    expect(deleted).toEqual(['shard', 'points', 'series', 'measurement', 'policy', 'database']);
    expect(meta.databases()).toEqual([]);
  });

  it('grants, revokes and lists privileges', async () => {
    const { run, short } = await setUp();
    await short(
      "CREATE DATABASE d; CREATE USER u WITH PASSWORD 'p'; GRANT ALL ON d TO u; REVOKE WRITE ON d FROM u",
    );
    const [event] = await run('SHOW GRANTS FOR u');
    expect(event.kind === 'series' && event.series.data).toEqual([
      { kind: 'any', values: ['d'] },
      { kind: 'any', values: ['READ'] },
    ]);
  });

  it('lists statistics by module, integers as such', async () => {
    const { run, short } = await setUp();
    const [event] = await run("SHOW STATS FOR 'httpd'");
    expect(event.kind === 'series' && event.series).toMatchObject({
      name: 'httpd',
      tags: [{ key: 'bind', value: ':1' }],
      columns: ['queryReq', 'req'],
      data: [{ values: [1.5] }, { values: [2n] }],
    });
    expect(await short("SHOW STATS FOR 'nope'")).toEqual(['0 ok']);
    expect(await short('SHOW DIAGNOSTICS')).toEqual(['0 series build', '0 ok']);
  });

  it('bounds the queries under way', async () => {
    const { queries, short } = await setUp({ concurrentMax: 1, timeoutMs: 0 });
    const task = queries.start(() => 'x', '', new AbortController().signal);
    expect(await short('SHOW USERS')).toEqual(['0 max-concurrent-queries limit exceeded(1, 1)']);
    task.finish();
    expect(await short('SHOW USERS')).toEqual(['0 series ', '0 ok']);
  });
});

describe('RunningQueries', () => {
  const start = (queries: RunningQueries) =>
    queries.start(() => 'q', 'd', new AbortController().signal);

  it('ends queries that are killed or take too long', async () => {
    const queries = new RunningQueries(new ManualClock(), { concurrentMax: 0, timeoutMs: 5 });
    const killed = start(queries);
    queries.kill(killed.id);
    expect([killed.signal.aborted, killed.failure()?.message]).toEqual([true, 'query interrupted']);
    expect(() => queries.kill(killed.id)).toThrow('already killed');
    expect(queries.list()).toMatchObject([{ text: 'q', database: 'd', isKilled: true }]);
    const slow = start(queries);
    await new Promise((resolve) => slow.signal.addEventListener('abort', resolve));
    expect(slow.failure()?.message).toBe('query-timeout limit exceeded');
  });
});
