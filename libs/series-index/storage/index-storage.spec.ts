import { readFileSync } from 'node:fs';
import { FieldType } from '#models';
import { ManualClock, RecordedLog, SimulatedFileSystem } from '#test-support';
import { SeriesIndex } from '../series-index.js';
import { SeriesSet } from '../series-set.js';
import type { ShardChange } from './changes.js';
import { IndexStorage, type LoadedShards } from './index-storage.js';
import type { StoredFile, StoredShard } from './shard-state.js';

const FOLDER = '/index/db';
const encoder = new TextEncoder();

const file = (name: string): StoredFile => ({
  name,
  sizeBytes: 266,
  modifiedMs: 1500.5,
  tombstoneBytes: 0,
  tombstoneModifiedMs: 0,
  keyCount: 2,
  blockCount: 2,
  minNs: 10n,
  maxNs: 20n,
});
const fields = new Map([['m', new Map([['f', FieldType.FLOAT]])]]);

/** An index and its storage over a disk, with one shard that has all series added by `add`. */
class Bench {
  readonly index = new SeriesIndex();
  readonly log = new RecordedLog();
  readonly shards = new Map<number, StoredShard>();
  readonly storage: IndexStorage;
  loaded: LoadedShards = { shards: new Map(), wasClosed: false };

  constructor(
    readonly files: SimulatedFileSystem,
    logBytesMax = 2 ** 20,
  ) {
    this.storage = new IndexStorage(this.index, {
      files,
      clock: new ManualClock(),
      logger: this.log,
      directory: FOLDER,
      logBytesMax,
      shards: () => this.shards,
    });
  }

  async open(): Promise<this> {
    this.loaded = await this.storage.load();
    for (const [id, stored] of this.loaded.shards) {
      this.shards.set(id, stored);
      this.index.retainAll(stored.series);
    }
    return this;
  }

  /** Adds series to shard 1. */
  async add(...keys: string[]): Promise<void> {
    const added = new SeriesSet();
    for (const key of keys) {
      const bytes = encoder.encode(key);
      added.add(this.index.findOrCreate(bytes, 0, bytes.length) as number);
    }
    this.index.retainAll(added);
    await this.change({ added });
  }

  /** Removes series from shard 1. */
  async remove(...ids: number[]): Promise<void> {
    for (const id of ids) this.index.release(id);
    await this.change({ removed: SeriesSet.of(ids) });
  }

  private async change(part: Partial<ShardChange>): Promise<void> {
    const before = this.shards.get(1);
    const series = SeriesSet.of(before?.series ?? []);
    if (part.added !== undefined) series.addAll(part.added);
    for (const id of part.removed ?? []) series.delete(id);
    const files = [file('000000001-000000001.tsm')];
    this.shards.set(1, { files, series, fields });
    await this.storage.record({
      shardId: 1,
      files,
      isWhole: before === undefined,
      added: new SeriesSet(),
      removed: new SeriesSet(),
      fields: before === undefined ? fields : null,
      ...part,
    });
  }

  /** Keys of shard 1 as they were read. */
  get keys(): string[] {
    const { series } = this.loaded.shards.get(1) ?? { series: [] };
    return [...series].map((id) => new TextDecoder().decode(this.index.keyOf(id).slice())).sort();
  }

  /** Names of files. */
  get names(): string[] {
    return this.files.paths().map((path) => path.slice(FOLDER.length + 1));
  }
}

const reopened = async (files: SimulatedFileSystem): Promise<Bench> => new Bench(files).open();

describe('a stored index', () => {
  it.each([
    ['a log', 2 ** 20],
    ['images', 1],
  ])('comes back from %s', async (_, logBytesMax) => {
    const files = new SimulatedFileSystem();
    const bench = await new Bench(files, logBytesMax).open();
    await bench.add('m,a=b', 'm,a=c', 'n\\ n,x=y');
    await bench.remove(1);
    await bench.add('m,a=d', 'z');
    await bench.storage.close();
    const again = await reopened(files);
    expect(again.keys).toEqual(['m,a=b', 'm,a=d', 'n\\ n,x=y', 'z']);
    expect(again.loaded.shards.get(1)?.fields).toEqual(fields);
    expect(again.loaded.shards.get(1)?.files).toEqual([file('000000001-000000001.tsm')]);
    expect(again.loaded.wasClosed).toBe(true);
    expect(again.index.seriesCount).toBe(4);
    expect(again.index.measurement('m')?.column('a')?.liveValueCount).toBe(2);
    const bytes = encoder.encode('m,a=e');
    const created = again.index.findOrCreate(bytes, 0, bytes.length) as number;
    expect(again.index.measurement('m')?.tagKeys).toEqual(['a']);
    expect(created).toBe(again.index.idCount - 1);
    expect(again.log.complaints).toEqual([]);
  });

  it('leaves series that are gone out of the next image, and keeps what is logged behind it', async () => {
    const files = new SimulatedFileSystem();
    let bench = await new Bench(files).open();
    await bench.add(...Array.from({ length: 100 }, (_, i) => `m,a=${i}`));
    await bench.remove(...Array.from({ length: 90 }, (_, i) => i));
    await bench.storage.close();
    bench = await new Bench(files, 1).open();
    expect([bench.index.idCount, bench.index.seriesCount]).toEqual([100, 10]);
    await bench.add('m,a=new');
    await bench.add('m,a=newer');
    await bench.storage.close();
    const again = await reopened(files);
    expect([again.index.idCount, again.index.seriesCount]).toEqual([12, 12]);
    expect(again.keys).toContain('m,a=newer');
    expect(again.index.measurement('m')?.column('a')?.valueCount).toBe(12);
    expect(again.names).toEqual(
      [...again.names].filter((name) => /^\d{9}\.tgi(dx|log)$/.test(name)),
    );
    expect(again.names.length).toBe(2);
  });

  it('keeps the order of keys in images', async () => {
    const files = new SimulatedFileSystem();
    const bench = await new Bench(files, 1).open();
    await bench.add('m,a=c', 'm', 'm,a=a', 'm,a=b,x=y');
    await bench.storage.close();
    const again = await reopened(files);
    const measurement = again.index.measurement('m');
    expect(measurement?.order.sortedCount).toBe(4);
    const all = Int32Array.of(0, 1, 2, 3);
    expect([...again.index.idsInKeyOrder(measurement!, all)]).toEqual([1, 2, 3, 0]);
  });

  it('says when it was not closed, and gives its folder up with the database', async () => {
    const files = new SimulatedFileSystem();
    const bench = await new Bench(files).open();
    await bench.add('m,a=b');
    files.restart();
    const again = await reopened(files);
    expect([again.loaded.wasClosed, again.keys]).toEqual([false, ['m,a=b']]);
    await again.storage.remove();
    expect(files.paths()).toEqual([]);
  });

  it('does without where it must not write', async () => {
    const files = new SimulatedFileSystem();
    files.fault = ({ path }) => (path.startsWith(FOLDER) ? 'ENOSPC' : null);
    const bench = await new Bench(files).open();
    await bench.add('m,a=b');
    await bench.storage.close();
    expect(bench.log.complaints.length).toBeGreaterThan(0);
    expect(bench.index.seriesCount).toBe(1);
  });
});

/** The bytes of a fenced block of the format's page. */
function example(name: string): Uint8Array {
  const page = readFileSync('docs/formats/series-index.md', 'utf8');
  const [, hex = ''] = new RegExp(`\`\`\`hex ${name}\n([^\`]*)\`\`\``).exec(page) ?? [];
  return Uint8Array.from(hex.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
}

describe('docs/formats/series-index.md', () => {
  it.each([
    ['log', 2 ** 20, '000000001.tgilog'],
    ['image', 1, '000000002.tgidx'],
  ])('shows the bytes of the %s', async (name, logBytesMax, path) => {
    const files = new SimulatedFileSystem();
    const bench = await new Bench(files, logBytesMax).open();
    await bench.add('m,a=b', 'm,a=c');
    await bench.storage.close();
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
    expect(hex(files.content(`${FOLDER}/${path}`))).toBe(hex(example(name)));
  });

  it.each(['log', 'image'])('the %s of the page reads', async (name) => {
    const files = new SimulatedFileSystem();
    const suffix = name === 'log' ? 'tgilog' : 'tgidx';
    files.put(`${FOLDER}/000000001.${suffix}`, example(name));
    const bench = await reopened(files);
    expect(bench.keys).toEqual(['m,a=b', 'm,a=c']);
  });
});
