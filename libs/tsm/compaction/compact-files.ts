/**
 * Merges TSM files into new ones of a single generation: newest values win, deletions are applied. Blocks that nothing
 * overlaps are copied as they are. Runs in a worker thread or in place; holds one key's index entries and a few blocks.
 */
import { basename, join } from 'node:path';
import type { FileSystem } from '#kernel';
import { CorruptionError, decodeTimes, TimeBlock, ValueBlock } from '#encoding';
import { FieldType } from '#models';
import { type BlockParts, countBlockValues, decodeBlockValues, openBlock } from '../block.js';
import { BlockCursor } from '../cursor/block-cursor.js';
import type { FileSource } from '../cursor/lane.js';
import { holdsValues } from '../deletion.js';
import { TsmError } from '../errors.js';
import { tombstonePath } from '../tombstone.js';
import {
  BAD_SUFFIX,
  BLOCK_VALUES,
  CHECKSUM_SUFFIX,
  compareTsmFileIds,
  parseTsmFileName,
  type TsmFileId,
  tsmFileName,
} from '../tsm-format.js';
import { BlockBuffer, TsmReader } from '../tsm-reader.js';
import { publishTsmFiles, type TsmFileSummary, TsmWriter } from '../tsm-writer.js';
import { KeyMerge } from './key-merge.js';
import { Pace } from './pace.js';
import { type PendingBlock, PendingColumn } from './pending-column.js';

/** What to compact. Plain data: it can be sent to a worker. */
export interface CompactionJob {
  readonly directory: string;
  /** Oldest first, generations next to each other: see the planner. */
  readonly paths: readonly string[];
  /** True to join small blocks. */
  readonly repack: boolean;
  /** Bytes a second to write, and at once; 0 = no limit. */
  readonly throughputBytes: number;
  readonly burstBytes: number;
}

/** What came of it. Plain data. */
export interface CompactionResult {
  /** The new files, durable; none when everything had been deleted. */
  readonly outputs: readonly TsmFileSummary[];
  readonly inputs: readonly string[];
  /** Inputs with blocks that did not decode and are not in the outputs: to be kept aside. */
  readonly corruptInputs: readonly string[];
  readonly valuesMerged: number;
  readonly blocksCopied: number;
}

/**
 * Runs a compaction and publishes what came of it. When it resolves, inputs and outputs are both there; the caller shows the
 * outputs to readers and then calls {@link removeCompacted}. A crash at any moment leaves files that say the same.
 * @param isStopped asked between keys; true ends the work
 * @throws TsmError `tsm.compaction-stopped`, `tsm.corrupt-file` of an input; errors of the file system. Temporary files are
 * removed.
 */
export async function compactFiles(
  files: FileSystem,
  job: CompactionJob,
  isStopped: () => boolean = () => false,
): Promise<CompactionResult> {
  const result = await mergeFiles(files, job, isStopped);
  try {
    await publishTsmFiles(files, result.outputs);
  } catch (error) {
    for (const { temporaryPath } of result.outputs) await files.remove(temporaryPath);
    throw error;
  }
  return result;
}

/**
 * Runs a compaction as far as finished files with temporary names. Deletions on the inputs meanwhile have to be repeated on
 * the outputs before they are published.
 * @throws as {@link compactFiles}
 */
export async function mergeFiles(
  files: FileSystem,
  job: CompactionJob,
  isStopped: () => boolean,
): Promise<CompactionResult> {
  const readers: TsmReader[] = [];
  const output = new CompactionOutput(files, job);
  try {
    for (const path of job.paths) readers.push(await TsmReader.open(files, path));
    const merge = new KeyMerge(readers);
    const work = new KeyCompaction(output, job.repack);
    while (merge.next()) {
      if (isStopped()) throw new TsmError('tsm.compaction-stopped', 'compactions disabled');
      await work.run(merge);
    }
    const outputs = await output.finish();
    const corruptInputs = [...work.corruptPaths];
    const { valuesMerged, blocksCopied } = work;
    return { outputs, inputs: job.paths, corruptInputs, valuesMerged, blocksCopied };
  } catch (error) {
    await output.abort();
    throw error;
  } finally {
    for (const reader of readers) await reader.release();
  }
}

/**
 * Removes the inputs of a compaction whose outputs are in use. Each TSM file goes before its tombstones, so that nothing
 * deleted is seen again after a crash in between. Corrupt ones are renamed aside.
 */
export async function removeCompacted(
  files: FileSystem,
  result: Pick<CompactionResult, 'inputs' | 'corruptInputs'>,
): Promise<void> {
  for (const path of result.inputs) {
    if (!result.corruptInputs.includes(path)) {
      await files.remove(path);
      continue;
    }
    let to = path + BAD_SUFFIX;
    for (let number = 2; (await files.stat(to)) !== null; number++)
      to = `${path}${BAD_SUFFIX}.${number}`;
    await files.rename(path, to);
  }
  const [first] = result.inputs;
  if (first === undefined) return;
  await files.syncDirectory(join(first, '..'));
  for (const path of result.inputs) {
    await files.remove(tombstonePath(path));
    await files.remove(path + CHECKSUM_SUFFIX);
  }
}

/** The files of one compaction: the highest generation of the inputs, sequences counted up. */
class CompactionOutput {
  private readonly finished: TsmFileSummary[] = [];
  private writer: TsmWriter | null = null;
  private readonly generation: number;
  private sequence: number;
  private readonly pace: Pace;

  constructor(
    private readonly files: FileSystem,
    private readonly job: CompactionJob,
  ) {
    const last = newestId(job.paths);
    this.generation = last.generation;
    this.sequence = last.sequence;
    this.pace = new Pace(job.throughputBytes, job.burstBytes);
  }

  async add(key: Uint8Array, type: FieldType, block: PendingBlock): Promise<void> {
    if (this.writer !== null && !this.writer.hasRoom(key, block.bytes.length)) {
      this.finished.push(await this.writer.finish());
      this.writer = null;
    }
    this.writer ??= await this.begin();
    const goOn = this.writer.add(key, type, block.minNs, block.maxNs, block.bytes);
    if (!goOn) await this.writer.drained();
    const waitMs = this.pace.waitMs(block.bytes.length);
    if (waitMs >= 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  async finish(): Promise<readonly TsmFileSummary[]> {
    if (this.writer !== null) this.finished.push(await this.writer.finish());
    this.writer = null;
    return this.finished;
  }

  async abort(): Promise<void> {
    await this.writer?.abort();
    this.writer = null;
    for (const { temporaryPath } of this.finished) await this.files.remove(temporaryPath);
  }

  private begin(): Promise<TsmWriter> {
    const name = tsmFileName({ generation: this.generation, sequence: ++this.sequence });
    return TsmWriter.create(this.files, join(this.job.directory, name));
  }
}

/** In place of a number of values: blocks that a cursor lays over each other. */
const MERGE = -1;
/** So many of a key's blocks must be saved for full ones to be decoded. */
const JOINED_SHARE_MIN = 1 / 8;

/** A block among those of all files, by number of its source. */
interface Placed {
  readonly source: number;
  readonly entry: number;
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** Compacts one key after another. */
class KeyCompaction {
  readonly corruptPaths = new Set<string>();
  valuesMerged = 0;
  blocksCopied = 0;
  private readonly pending = new PendingColumn(BLOCK_VALUES);
  private readonly buffers = new Map<TsmReader, BlockBuffer>();
  private readonly parts: BlockParts = { type: FieldType.FLOAT, timesAt: 0, valuesAt: 0, end: 0 };
  private readonly times = new TimeBlock();
  private readonly values = new ValueBlock();

  constructor(
    private readonly output: CompactionOutput,
    private readonly repack: boolean,
  ) {}

  async run(merge: KeyMerge): Promise<void> {
    const { key } = merge;
    // Where files disagree about the type, the newest is right: it is the one that queries look for.
    const { type } = merge.parts[merge.parts.length - 1]!.entries;
    const sources: FileSource[] = [];
    for (const { reader, entries } of merge.parts) {
      const source = { reader, entries, deleted: reader.tombstones.find(key) };
      if (entries.type === type) sources.push(source);
      // A field whose values were all deleted may have come back with another type.
      else if (holdsValues(source)) this.corruptPaths.add(reader.path);
    }
    this.pending.start(type);
    const clusters = clustersOf(sources);
    const counts = clusters.map((cluster) => this.countOf(sources, cluster));
    const isDense = this.repack && isWorthJoining(clusters, counts);
    for (const [c, cluster] of clusters.entries()) {
      const [placed] = cluster as [Placed, ...Placed[]];
      const source = sources[placed.source]!;
      const count = counts[c]!;
      if (count === MERGE) await this.mergeCluster(key, type, sourcesOf(sources, cluster));
      else if (this.isCopied(count, isDense)) {
        await this.flush(key, type);
        const { minNs, maxNs } = placed;
        const { bytes, start, end } = this.locate(source, placed);
        await this.output.add(key, type, { minNs, maxNs, bytes: bytes.subarray(start, end) });
        this.blocksCopied++;
      } else if (!(await this.join(key, type, source, placed))) {
        await this.mergeCluster(key, type, sourcesOf(sources, cluster));
      }
      if (!this.repack) await this.flush(key, type);
    }
    await this.flush(key, type);
  }

  /** Whether a block of so many values goes through as it is. */
  private isCopied(count: number, isDense: boolean): boolean {
    if (!this.repack) return true;
    return count >= BLOCK_VALUES && (!isDense || this.pending.count === 0);
  }

  /** Values of a block that stands alone, or {@link MERGE} for blocks that have to go through a cursor. */
  private countOf(sources: readonly FileSource[], cluster: readonly Placed[]): number {
    const [placed] = cluster;
    if (placed === undefined || cluster.length > 1) return MERGE;
    const source = sources[placed.source]!;
    const { deleted } = source;
    const { minNs, maxNs } = placed;
    for (let i = 0; deleted !== null && i < deleted.count; i++)
      if (deleted.minNs[i]! <= maxNs && deleted.maxNs[i]! >= minNs) return MERGE;
    try {
      const { bytes, start, end } = this.locate(source, placed);
      return countBlockValues(bytes, start, end);
    } catch (error) {
      // The cursor will meet the same, report and skip it.
      if (error instanceof TsmError) return MERGE;
      throw error;
    }
  }

  /** Where the bytes of a block are; valid until the next call for the same file. */
  private locate(
    { reader, entries }: FileSource,
    { entry }: Placed,
  ): { readonly bytes: Uint8Array; readonly start: number; readonly end: number } {
    let buffer = this.buffers.get(reader);
    if (buffer === undefined) this.buffers.set(reader, (buffer = new BlockBuffer()));
    const start = reader.load(buffer, entries, entry, entries.count - 1);
    return { bytes: buffer.bytes, start, end: start + entries.sizesBytes[entry]! };
  }

  /** Adds a block that nothing overlaps to what is pending; false where a cursor has to do it. */
  private async join(
    key: Uint8Array,
    type: FieldType,
    source: FileSource,
    placed: Placed,
  ): Promise<boolean> {
    const { parts, times, values, pending } = this;
    try {
      const { bytes, start, end } = this.locate(source, placed);
      openBlock(bytes, start, end, parts);
      if (parts.type !== type) return false;
      decodeTimes(bytes, parts.timesAt, parts.valuesAt, times, null);
      if (times.wide !== null) return false;
      decodeBlockValues(bytes, parts, values, times.count);
    } catch (error) {
      if (error instanceof TsmError || error instanceof CorruptionError) return false;
      throw error;
    }
    const { count, baseNs, offsets } = times;
    const { numbers, wide } = values;
    const strings = type === FieldType.STRING ? values.strings : null;
    this.valuesMerged += count;
    for (let at = 0; at < count;) {
      at = pending.add({ count, baseNs, offsets, numbers, wide, strings }, at);
      if (pending.isFull) await this.flush(key, type);
    }
    return true;
  }

  /** Decodes the blocks of a cluster, oldest to newest, and writes what fills blocks. */
  private async mergeCluster(
    key: Uint8Array,
    type: FieldType,
    sources: readonly FileSource[],
  ): Promise<void> {
    const cursor = new BlockCursor({
      type,
      files: sources,
      cached: null,
      minNs: -(2n ** 63n),
      maxNs: 2n ** 63n - 1n,
      ascending: true,
      baseNs: null,
      memo: null,
      onCorruptBlock: (_error, path) => void this.corruptPaths.add(path),
    });
    for (let batch = cursor.next(); batch !== null; batch = cursor.next()) {
      this.valuesMerged += batch.count;
      for (let at = 0; at < batch.count;) {
        at = this.pending.add(batch, at);
        if (this.pending.isFull) await this.flush(key, type);
      }
    }
  }

  private async flush(key: Uint8Array, type: FieldType): Promise<void> {
    if (this.pending.count > 0) await this.output.add(key, type, this.pending.take());
  }
}

/** The blocks of a cluster as sources of a cursor, files in their order. */
function sourcesOf(sources: readonly FileSource[], cluster: readonly Placed[]): FileSource[] {
  return sources.flatMap((source, number) => {
    const mine = cluster.filter((placed) => placed.source === number).map(({ entry }) => entry);
    if (mine.length === 0) return [];
    return [
      {
        ...source,
        entries: source.entries.pick(mine.sort((a, b) => a - b)),
      },
    ];
  });
}

/**
 * Whether it pays to decode full blocks too, so that no small ones stay between them.
 * @param counts values of each cluster, or {@link MERGE}
 */
function isWorthJoining(clusters: readonly Placed[][], counts: readonly number[]): boolean {
  let values = 0;
  let blocks = 0;
  let pending = 0;
  for (const [c, cluster] of clusters.entries()) {
    const count = counts[c] === MERGE ? cluster.length * BLOCK_VALUES : counts[c]!;
    values += count;
    if (count === BLOCK_VALUES && counts[c] !== MERGE) {
      blocks += pending > 0 ? 2 : 1;
      pending = 0;
      continue;
    }
    blocks += Math.floor((pending + count) / BLOCK_VALUES);
    pending = (pending + count) % BLOCK_VALUES;
  }
  if (pending > 0) blocks++;
  const saved = blocks - Math.ceil(values / BLOCK_VALUES);
  return saved >= blocks * JOINED_SHARE_MIN;
}

/** All blocks of a key in order of time, in groups that overlap within but not between each other. */
function clustersOf(sources: readonly FileSource[]): Placed[][] {
  const placed: Placed[] = [];
  for (const [source, { entries }] of sources.entries()) {
    for (let entry = 0; entry < entries.count; entry++) {
      placed.push({ source, entry, minNs: entries.minNs[entry]!, maxNs: entries.maxNs[entry]! });
    }
  }
  placed.sort((a, b) => (a.minNs < b.minNs ? -1 : a.minNs > b.minNs ? 1 : a.source - b.source));
  const clusters: Placed[][] = [];
  let untilNs = 0n;
  for (const block of placed) {
    const last = clusters[clusters.length - 1];
    if (last === undefined || block.minNs > untilNs) {
      clusters.push([block]);
      untilNs = block.maxNs;
    } else {
      last.push(block);
      if (block.maxNs > untilNs) untilNs = block.maxNs;
    }
  }
  return clusters;
}

function newestId(paths: readonly string[]): TsmFileId {
  const ids = paths.map(
    (path) => parseTsmFileName(basename(path)) ?? { generation: 0, sequence: 0 },
  );
  return ids.reduce((newest, id) => (compareTsmFileIds(id, newest) > 0 ? id : newest));
}
