/**
 * A store with points in it, and SELECTs over what lies in its caches and files: for tests of reading.
 */
import { parseQuery, type SelectStatement } from '#influxql';
import { NodeFileSystem, silentLogger } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { LineParser, padBody, PointsBatch, ShapeTable } from '#models';
import { QueryMemory, type ResultSeries, type ResultValue, runSelect } from '#query';
import { ManualClock, temporaryFolder } from '#test-support';
import { Store } from '#tsdb';
import { inPlaceCompactor, inPlaceSnapshotter } from '#tsm';
import { PointsWriter } from '../points-writer.js';
import { StoreReader } from '../storage-view.js';

const WEEK_S = 7 * 86_400;
export const START_S = 1_600_000_000;

/** Metadata and storage in a folder of its own; snapshots and compactions run when they are asked for. */
export class SelectBench {
  private readonly folder = temporaryFolder();
  private readonly files = new NodeFileSystem();
  private readonly clock = new ManualClock(BigInt(START_S) * 1_000_000_000n);
  private readonly shapes = new ShapeTable();
  private readonly parser = new LineParser(this.shapes);
  private readonly meta = new MetaClient({
    store: new LocalMetaStore(this.files, `${this.folder.path}/meta`, silentLogger),
    config: { isRetentionAutocreated: true },
    clock: this.clock,
    logger: silentLogger,
  });
  readonly store = new Store({
    files: this.files,
    clock: this.clock,
    logger: silentLogger,
    shapes: this.shapes,
    snapshotter: inPlaceSnapshotter(this.files),
    compactor: inPlaceCompactor(this.files),
    config: {
      dir: `${this.folder.path}/data`,
      walDir: `${this.folder.path}/wal`,
      walFsyncDelayMs: 0,
      cacheSnapshotMemorySizeBytes: 2 ** 30,
      cacheSnapshotWriteColdDurationMs: 1e9,
      cacheMaxMemorySizeBytes: 0,
      seriesPerDatabaseMax: 0,
      valuesPerTagMax: 0,
    } as ConstructorParameters<typeof Store>[0]['config'],
  });
  private readonly writer = new PointsWriter({
    meta: this.meta,
    store: this.store,
    clock: this.clock,
    logger: silentLogger,
    writeTimeoutMs: 0,
  });
  readonly reader = new StoreReader(this.meta, this.store);
  readonly memory = new QueryMemory(new Int32Array(new SharedArrayBuffer(4)));

  async open(): Promise<void> {
    await this.meta.open();
    await this.store.open([]);
    await this.meta.createDatabase('db');
  }

  async close(): Promise<void> {
    await this.store.close();
    await this.meta.close();
    this.folder.remove();
  }

  async write(lines: readonly string[]): Promise<void> {
    const batch = new PointsBatch();
    const bytes = new TextEncoder().encode(lines.join('\n'));
    const known = this.store.index('db');
    const body = padBody(bytes);
    this.parser.parse(
      { body, length: bytes.length, known, precision: 's', defaultTime: () => 0n },
      batch,
    );
    await this.writer.write({ database: 'db', retentionPolicy: '', batch });
  }

  /** Everything that is cached, into files. */
  async snapshot(): Promise<void> {
    for (const shard of this.store.allShards()) await shard.engine.snapshot();
  }

  /** All files of a shard, into one generation. */
  async compact(): Promise<void> {
    for (const shard of this.store.allShards()) await shard.engine.compact(true);
  }

  private select(text: string): SelectStatement {
    const [statement] = parseQuery(text);
    if (statement?.kind !== 'select') throw new TypeError('a SELECT');
    return statement;
  }

  task(text: string, signal: AbortSignal | null = null) {
    const statement = this.select(text);
    return {
      statement,
      database: 'db',
      retentionPolicy: '',
      nowNs: BigInt(START_S + WEEK_S) * 1_000_000_000n,
      signal,
    };
  }

  /** The answer of this thread. */
  here(text: string): readonly string[] {
    const { statement, ...rest } = this.task(text);
    const series: ResultSeries[] = [];
    for (const one of runSelect(statement, { ...rest, reader: this.reader }))
      if (one !== null) series.push(one);
    return printed(series);
  }
}

/** Rows under the heads of their series, as an answer shows them: parts of a series are one. */
export function printed(series: readonly ResultSeries[]): readonly string[] {
  const lines: string[] = [];
  let isContinued = false;
  for (const { name, tags, columns, rowCount, data, partial } of series) {
    const text = (value: ResultValue | undefined): string => String(value);
    if (!isContinued)
      lines.push(
        [name, ...(tags ?? []).map(({ key, value }) => `${key}=${value}`), ...columns].join(' '),
      );
    for (let row = 0; row < rowCount; row++) {
      lines.push(
        data
          .map((column) => {
            if (column.kind === 'time') return text(column.ns[row]);
            if (column.kind === 'string' || column.kind === 'any') return text(column.values[row]);
            if (column.present !== null && column.present[row] === 0) return 'null';
            const wide = 'wide' in column && column.wide !== null ? column.wide : column.values;
            return text(wide[row]);
          })
          .join(' '),
      );
    }
    isContinued = partial;
  }
  return lines;
}
