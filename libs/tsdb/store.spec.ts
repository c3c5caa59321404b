import { NodeFileSystem, silentLogger } from '#kernel';
import { allRuns, FieldType, hashKey, LineParser, padBody, PointsBatch, ShapeTable } from '#models';
import { ManualClock, temporaryFolder } from '#test-support';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import type { Shard, ShardIdentity } from './shard.js';
import { storeStatistics } from './store-statistics.js';
import { Store } from './store.js';

const WHOLE = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };
const identity = (id: number): ShardIdentity => ({
  id,
  database: 'db',
  retentionPolicy: 'autogen',
  startNs: 0n,
  endNs: 2n ** 62n,
});

describe('a store of shards', () => {
  const folder = temporaryFolder();
  const files = new NodeFileSystem();
  let shapes = new ShapeTable();
  let parser = new LineParser(shapes);
  let store: Store;

  const open = async (...ids: number[]): Promise<void> => {
    shapes = new ShapeTable();
    parser = new LineParser(shapes);
    store = new Store({
      files,
      shapes,
      clock: new ManualClock(),
      logger: silentLogger,
      snapshotter: inPlaceSnapshotter(files),
      compactor: inPlaceCompactor(files),
      config: {
        dir: `${folder.path}/data`,
        walDir: `${folder.path}/wal`,
        walFsyncDelayMs: 0,
        cacheSnapshotMemorySizeBytes: 2 ** 30,
        cacheSnapshotWriteColdDurationMs: 1e9,
        cacheMaxMemorySizeBytes: 0,
        compactFullWriteColdDurationMs: 1e9,
        seriesPerDatabaseMax: 0,
        valuesPerTagMax: 0,
      },
    });
    await store.open(ids.map(identity));
  };
  const shard = (id = 1): Shard => store.shard(id) as Shard;
  const parse = (text: string): PointsBatch => {
    const body = new TextEncoder().encode(text);
    const batch = new PointsBatch();
    const known = store.index('db');
    parser.parse(
      { body: padBody(body), length: body.length, known, precision: 'ns', defaultTime: () => 0n },
      batch,
    );
    return batch;
  };
  const write = (text: string, id = 1): ReturnType<Shard['write']> => {
    const batch = parse(text);
    return shard(id).write(batch, allRuns(batch));
  };
  const find = (key: string): number => {
    const bytes = new TextEncoder().encode(key);
    return store.index('db').find(bytes, 0, bytes.length, hashKey(bytes, 0, bytes.length));
  };
  const type = (field: string): FieldType | null => {
    const { measurementIdOf } = store.index('db');
    return shard().fields.type(measurementIdOf[0], field);
  };
  const read = (key: string, field: string): [number, number][] => {
    const view = shard().engine.view();
    const fieldType = type(field);
    const cursor = view.cursor({
      seriesId: find(key),
      seriesKey: new TextEncoder().encode(key),
      fields: [fieldType === null ? null : { name: field, type: fieldType }],
      ...WHOLE,
      ascending: true,
      baseNs: 0n,
    });
    const found: [number, number][] = [];
    for (let batch = cursor.next(0); batch !== null; batch = cursor.next(0)) {
      for (let i = 0; i < batch.count; i++)
        found.push([Number(batch.baseNs) + batch.offsets[i], batch.numbers[i]]);
    }
    view.release();
    return found;
  };
  const drop = (keys: readonly string[], measurement = '', id = 1): Promise<void> =>
    shard(id).delete({ seriesIds: new Set(keys.map(find)), ...WHOLE, measurement });

  afterEach(async () => {
    await store.close();
    await files.remove(`${folder.path}/data`);
    await files.remove(`${folder.path}/wal`);
  });
  afterAll(() => folder.remove());

  it('lets a dropped measurement come back with other types, through crash, restart and snapshot', async () => {
    await open(1);
    await write('m,a=b f=1.5 1');
    await shard().engine.snapshot();
    await write('m,a=b f=2.5 2');
    await drop(['m,a=b'], 'm');
    expect([find('m,a=b'), type('f')]).toEqual([-1, null]);
    await write('m,a=b f=7i 3');
    const want = [[3, 7]];
    expect([type('f'), read('m,a=b', 'f')]).toEqual([FieldType.INTEGER, want]);
    await shard().engine.close();
    await open(1);
    expect([type('f'), read('m,a=b', 'f')]).toEqual([FieldType.INTEGER, want]);
    await store.close();
    await open(1);
    expect([type('f'), read('m,a=b', 'f')]).toEqual([FieldType.INTEGER, want]);
  });

  it('refuses points that give a field two types, and keeps the last of equal types', async () => {
    await open(1);
    await write('m f=1.5 1');
    const reason = async (line: string): Promise<string> => (await write(line)).reason;
    const conflict = (measurement: string, type: string, existing: string): string =>
      `field type conflict: input field "f" on measurement "${measurement}" is type ${type}, already exists as type ${existing}`;
    expect(await reason('m f=2,f=3 2')).toBe('');
    expect(await reason('m f=2,f=3i 3')).toBe(conflict('m', 'integer', 'float'));
    expect(await reason('m a=1,f=3i,f=2,b=1 3')).toBe(conflict('m', 'integer', 'float'));
    for (let i = 0; i < 2; i++)
      expect(await reason('n f=t,g=1,f=2 4')).toBe(conflict('n', 'float', 'boolean'));
    expect(await reason('n f=1i 4')).toBe('');
    expect(read('m', 'f').map(([, value]) => value)).toEqual([1.5, 3]);
  });

  it('keeps apart series whose names are of another encoding', async () => {
    await open(1);
    // Latin-1: Köln and Käln.
    const body = Uint8Array.from(
      Buffer.from('m,z=1,t=K\xf6ln f=1 1\nm,z=1,t=K\xe4ln f=2 1', 'latin1'),
    );
    const known = store.index('db');
    for (let i = 0; i < 2; i++) {
      const batch = new PointsBatch();
      parser.parse(
        { body: padBody(body), length: body.length, known, precision: 'ns', defaultTime: () => 0n },
        batch,
      );
      expect((await shard().write(batch, allRuns(batch))).reason).toBe('');
    }
    const keyOf = (value: string): Uint8Array =>
      Uint8Array.from(Buffer.from(`m,t=${value},z=1`, 'latin1'));
    const ids = ['K\xf6ln', 'K\xe4ln'].map((value) => {
      const key = keyOf(value);
      return known.find(key, 0, key.length, hashKey(key, 0, key.length));
    });
    expect(known.seriesCount).toBe(2);
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(0);
    expect(new Set(ids).size).toBe(2);
  });

  it('keeps the types of fields whose values are deleted', async () => {
    await open(1);
    await write('m,a=b f=1.5 1');
    await drop(['m,a=b']);
    const outcome = await write('m,a=b f=7i 3');
    expect(outcome.reason).toBe(
      'field type conflict: input field "f" on measurement "m" is type integer, already exists as type float',
    );
    expect(read('m,a=b', 'f')).toEqual([]);
  });

  it('removes files of which a deletion leaves nothing, and writes tombstones to the others', async () => {
    await open(1);
    await write('m,a=b f=1 1\nm,a=c f=1 1');
    await shard().engine.snapshot();
    await write('m,a=b f=2 2');
    await shard().engine.snapshot();
    await drop(['m,a=b']);
    const names = async (): Promise<string[]> =>
      (await files.list(`${folder.path}/data/db/autogen/1`)).map(({ name }) => name).sort();
    const first = '000000001-000000001';
    expect(await names()).toEqual([`${first}.tombstone`, `${first}.tsm`, `${first}.tsm.crc`]);
    expect([read('m,a=b', 'f'), read('m,a=c', 'f')]).toEqual([[], [[1, 1]]]);
    await write('m,a=b f=3 3');
    await shard().engine.close();
    await open(1);
    expect(read('m,a=b', 'f')).toEqual([[3, 3]]);
    await drop(['m,a=b', 'm,a=c']);
    await shard().engine.snapshot();
    expect(await names()).toEqual([]);
  });

  it('stores a batch that was parsed before its series was dropped', async () => {
    await open(1);
    await write('m,a=b f=1 1\nm,a=c f=1 1');
    const batch = parse('m,a=b f=2 2');
    await drop(['m,a=b']);
    expect(store.index('db').seriesCount).toBe(1);
    await shard().write(batch, allRuns(batch));
    expect([find('m,a=b'), read('m,a=b', 'f')]).toEqual([0, [[2, 2]]]);
    expect(store.index('db').seriesCount).toBe(2);
  });

  it('keeps a series as long as one shard has it', async () => {
    await open(1, 2);
    await write('m,a=b f=1 1', 1);
    await write('m,a=b f=1 1', 2);
    await drop(['m,a=b'], '', 1);
    expect([find('m,a=b'), shard(1).series.count, shard(2).series.count]).toEqual([0, 0, 1]);
    await store.deleteShard(2);
    expect(find('m,a=b')).toBe(-1);
  });

  it('reports its numbers with the names and tags of InfluxDB', async () => {
    await open(1);
    await write('m,a=b f=1 1');
    await shard().engine.snapshot();
    const found = storeStatistics(store);
    expect(found.map(({ name }) => name)).toEqual([
      'database',
      'shard',
      'tsm1_engine',
      'tsm1_cache',
      'tsm1_filestore',
      'tsm1_wal',
    ]);
    expect(found[0]).toEqual({
      name: 'database',
      tags: { database: 'db' },
      values: { numMeasurements: 1, numSeries: 1 },
    });
    expect(found[1].tags).toEqual({
      database: 'db',
      engine: 'tsm1',
      id: '1',
      path: `${folder.path}/data/db/autogen/1`,
      retentionPolicy: 'autogen',
      walPath: `${folder.path}/wal/db/autogen/1`,
    });
    expect(found[2].values).toMatchObject({
      cacheCompactions: 1,
      tsmLevel1Compactions: 0,
      tsmFullCompactionQueue: 0,
    });
    expect(found[4].values).toMatchObject({ numFiles: 1 });
  });

  it('takes writes while it deletes', async () => {
    await open(1);
    await write('m,a=b f=1 1');
    await shard().engine.snapshot();
    const deletion = drop(['m,a=b']);
    // A turn later the deletion stands in the log.
    await new Promise((resolve) => setImmediate(resolve));
    const written = write('m,a=b f=2 2');
    await Promise.all([deletion, written]);
    expect([find('m,a=b'), read('m,a=b', 'f')]).toEqual([0, [[2, 2]]]);
    await shard().engine.close();
    await open(1);
    expect(read('m,a=b', 'f')).toEqual([[2, 2]]);
  });
});
