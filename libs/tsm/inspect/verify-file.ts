/**
 * Reads one file of a shard as a whole and says whether it is sound: TSM files block by block, tombstones, and segments of our
 * log and of InfluxDB's. Changes nothing.
 */
import { basename } from 'node:path';
import { type FileSystem, messageOf } from '#kernel';
import { ShapeTable } from '#models';
import { parseInfluxWalName, readInfluxWal } from '../influx-wal.js';
import { readTombstones } from '../tombstone.js';
import { BAD_SUFFIX, CHECKSUM_SUFFIX, parseTsmFileName } from '../tsm-format.js';
import { TsmReader } from '../tsm-reader.js';
import { WalSegmentReader } from '../wal/wal-decoder.js';
import { segmentNumber } from '../wal/wal-format.js';
import { walkBlocks } from './walk-blocks.js';

/** What a file is, by its name. */
export type InspectedKind = 'tsm' | 'tombstone' | 'wal' | 'influxdb-wal' | 'aside';

/** What reading a whole file found. */
export interface FileVerdict {
  readonly path: string;
  readonly kind: InspectedKind;
  /** `torn`: its end was cut short, as a crash does; nothing acknowledged is in it. `aside`: was found corrupt before. */
  readonly state: 'sound' | 'torn' | 'corrupt' | 'aside';
  readonly sizeBytes: number;
  /** What it holds, for people: `12 blocks of 3 keys, 12000 values`. */
  readonly content: string;
  /** What is wrong, one text each. */
  readonly faults: readonly string[];
}

/** Texts of faults kept for one file. */
const FAULTS_KEPT = 10;

/** What a file in a shard's folders is, or null for one that is not looked at. */
export function inspectedKind(name: string): InspectedKind | null {
  if (name.includes(BAD_SUFFIX)) return 'aside';
  if (parseTsmFileName(name) !== null) return 'tsm';
  if (name.endsWith('.tombstone')) return 'tombstone';
  if (segmentNumber(name) !== null) return 'wal';
  return parseInfluxWalName(name) === null ? null : 'influxdb-wal';
}

/**
 * Reads a file of a known kind.
 * @param files read only
 * @throws errors of the file system other than those of reading a corrupt file
 */
export async function verifyFile(
  files: FileSystem,
  path: string,
  kind: InspectedKind,
): Promise<FileVerdict> {
  const sizeBytes = (await files.stat(path))?.sizeBytes ?? 0;
  const found = await FINDERS[kind](files, path);
  return { path, kind, sizeBytes, ...found };
}

type Finding = Pick<FileVerdict, 'state' | 'content' | 'faults'>;
type Finder = (files: FileSystem, path: string) => Promise<Finding>;

const FINDERS: Readonly<Record<InspectedKind, Finder>> = {
  tsm: findInTsm,
  tombstone: findInTombstones,
  wal: findInLog,
  'influxdb-wal': findInInfluxLog,
  aside: () => Promise.resolve({ state: 'aside', content: 'was put aside as corrupt', faults: [] }),
};

async function findInTsm(files: FileSystem, path: string): Promise<Finding> {
  let reader: TsmReader;
  try {
    // Its tombstones have a verdict of their own.
    reader = await TsmReader.open(withoutTombstones(files), path);
  } catch (error) {
    return { state: 'corrupt', content: '', faults: [messageOf(error)] };
  }
  const faults: string[] = [];
  let [values, faultCount] = [0, 0];
  for (const block of walkBlocks(reader)) {
    values += block.count;
    if (block.fault === '') continue;
    if (faultCount++ < FAULTS_KEPT) {
      faults.push(
        `block at offset ${block.offset} of ${block.seriesKey} ${block.field}: ${block.fault}`,
      );
    }
  }
  if (faultCount > faults.length) faults.push(`and ${faultCount - faults.length} more`);
  const { keyCount, blockCount } = reader.summary;
  await reader.release();
  const hasChecksum = (await files.stat(path + CHECKSUM_SUFFIX)) !== null;
  const index = hasChecksum ? 'index has a checksum' : 'index checked by its structure only';
  return {
    state: faultCount === 0 ? 'sound' : 'corrupt',
    content: `${values} values in ${blockCount} blocks of ${keyCount} keys; ${index}`,
    faults,
  };
}

async function findInTombstones(files: FileSystem, path: string): Promise<Finding> {
  try {
    const { count } = await readTombstones(files, path);
    return { state: 'sound', content: `${count} deletions`, faults: [] };
  } catch (error) {
    return { state: 'corrupt', content: '', faults: [messageOf(error)] };
  }
}

async function findInLog(files: FileSystem, path: string): Promise<Finding> {
  let [points, deletions] = [0, 0];
  const nobody = { find: () => -1, addAlias: () => undefined, shapeHints: new Int32Array(0) };
  const outcome = new WalSegmentReader(nobody, new ShapeTable()).read(
    await files.readFile(path),
    (batch) => (points += batch.pointCount),
    () => deletions++,
  );
  const { records, damagedRecords, unreadBytes } = outcome;
  const content = `${points} points and ${deletions} deletions in ${records} records`;
  const unread = `${unreadBytes} bytes at the end do not read`;
  if (damagedRecords > 0) {
    const faults = [`damaged in ${damagedRecords} places`, ...(unreadBytes > 0 ? [unread] : [])];
    return { state: 'corrupt', content, faults };
  }
  return unreadBytes > 0
    ? { state: 'torn', content, faults: [unread] }
    : { state: 'sound', content, faults: [] };
}

async function findInInfluxLog(files: FileSystem, path: string): Promise<Finding> {
  let [values, deletions] = [0, 0];
  const { entryCount, fault } = readInfluxWal(await files.readFile(path), (entry) => {
    if (entry.kind === 'write') for (const { count } of entry.columns) values += count;
    else deletions++;
  });
  const content = `${values} values and ${deletions} deletions in ${entryCount} entries of InfluxDB's log`;
  return {
    state: fault === null ? 'sound' : 'torn',
    content,
    faults: fault === null ? [] : [fault.message],
  };
}

/** The same files, without any tombstones. */
function withoutTombstones(files: FileSystem): FileSystem {
  const hidden: Pick<FileSystem, 'stat'> = {
    stat: (path) =>
      basename(path).endsWith('.tombstone') ? Promise.resolve(null) : files.stat(path),
  };
  return new Proxy(files, {
    get: (target, name: keyof FileSystem) =>
      name === 'stat' ? hidden.stat : target[name].bind(target),
  });
}
