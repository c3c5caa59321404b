/**
 * Tidegate's storage as a library: opens a store, writes points, reads a series back with a cursor, closes. Knows no server and no
 * framework; of the packages that Tidegate depends on it needs snappyjs and smol-toml.
 *
 *   npm run build && node dist/examples/storage-library.js FOLDER
 *
 * Run twice on one folder it finds what it wrote the first time.
 */
import { join } from 'node:path';
import { NodeFileSystem, silentLogger, SystemClock } from '#kernel';
import { allRuns, hashKey, LineParser, padBody, PointsBatch, ShapeTable } from '#models';
import { type Shard, Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';

const SHARD = {
  id: 1,
  database: 'weather',
  retentionPolicy: 'autogen',
  // The span of time that the shard holds: one week from 2020-09-07.
  startNs: 1_599_436_800_000_000_000n,
  endNs: 1_600_041_600_000_000_000n,
};

const folder = process.argv[2] ?? 'storage-library-data';
const files = new NodeFileSystem();
const shapes = new ShapeTable();
const store = new Store({
  files,
  clock: new SystemClock(),
  logger: silentLogger,
  shapes,
  // A server gives both to worker threads: WorkerSnapshotter, WorkerCompactor.
  snapshotter: inPlaceSnapshotter(files),
  compactor: inPlaceCompactor(files),
  config: {
    dir: join(folder, 'data'),
    walDir: join(folder, 'wal'),
    walFsyncDelayMs: 0,
    cacheSnapshotMemorySizeBytes: 25 * 2 ** 20,
    cacheSnapshotWriteColdDurationMs: 600_000,
    cacheMaxMemorySizeBytes: 2 ** 30,
    compactFullWriteColdDurationMs: 4 * 3_600_000,
    seriesPerDatabaseMax: 0,
    valuesPerTagMax: 0,
  },
});

/** Writes lines of line protocol; they are on disk when this resolves. */
async function write(shard: Shard, lines: string): Promise<void> {
  const body = new TextEncoder().encode(lines);
  const batch = new PointsBatch();
  const { rejected } = new LineParser(shapes).parse(
    {
      body: padBody(body),
      length: body.length,
      known: store.index(SHARD.database),
      precision: 's',
      defaultTime: () => SHARD.startNs,
    },
    batch,
  );
  const { points, dropped } = await shard.write(batch, allRuns(batch));
  print(`wrote ${points} points, dropped ${dropped}, could not read ${rejected.length} lines`);
}

/** Prints every value of a field of a series, in order of time. */
function readAll(shard: Shard, series: string, field: string): void {
  const key = new TextEncoder().encode(series);
  const index = store.index(SHARD.database);
  const seriesId = index.find(key, 0, key.length, hashKey(key, 0, key.length));
  if (seriesId < 0) return;
  const type = shard.fields.type(index.measurementOf(seriesId).id, field);
  const view = shard.engine.view();
  try {
    const cursor = view.cursor({
      seriesId,
      seriesKey: key,
      fields: [type === null ? null : { name: field, type }],
      minNs: SHARD.startNs,
      maxNs: SHARD.endNs - 1n,
      ascending: true,
      baseNs: SHARD.startNs,
    });
    for (let batch = cursor.next(0); batch !== null; batch = cursor.next(0)) {
      for (let i = 0; i < batch.count; i++) {
        const timeNs = batch.baseNs + BigInt(batch.offsets[i]);
        print(`${series} ${field} ${timeNs / 1_000_000_000n} ${batch.numbers[i]}`);
      }
    }
  } finally {
    view.release();
  }
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

await store.open([SHARD]);
const shard = store.shard(SHARD.id);
if (shard !== undefined) {
  print(`found ${store.index(SHARD.database).seriesCount} series`);
  await write(
    shard,
    `air,city=Bremen temperature=7.5,humidity=81i 1600000000
air,city=Bremen temperature=8.25,humidity=79i 1600000060
air,city=Kiel temperature=6.75,humidity=84i 1600000000`,
  );
  readAll(shard, 'air,city=Bremen', 'temperature');
}
await store.close();
