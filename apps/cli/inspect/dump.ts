/** `tidegate inspect dump`: what one TSM file, tombstone file or segment of a log holds. */
import { basename } from 'node:path';
import type { FileSystem } from '#kernel';
import { FieldType } from '#models';
import {
  inspectedKind,
  type InfluxWalColumn,
  readInfluxWal,
  readTombstones,
  TsmReader,
  verifyFile,
  walkBlocks,
} from '#tsm';
import { CommandError } from './errors.js';
import type { InspectOutput } from './inspect-options.js';

/** Flags of the command. */
export interface DumpFlags {
  /** Only keys that contain this text. */
  readonly filterKey?: string;
}

/** Prints a file; 1 when it is corrupt. @throws CommandError for a file of another kind */
export async function dump(
  path: string,
  flags: DumpFlags,
  files: FileSystem,
  output: InspectOutput,
): Promise<number> {
  const kind = inspectedKind(basename(path));
  if ((await files.stat(path)) === null)
    throw new CommandError(`cannot dump ${path}: it is not there`);
  if (kind === null || kind === 'aside') {
    throw new CommandError(
      `cannot dump ${path}: not named like a TSM file, a tombstone file or a segment of a log`,
    );
  }
  const verdict = await verifyFile(files, path, kind);
  const say = (line: string): void => void output.stdout.write(`${line}\n`);
  say(
    `${path}: ${verdict.state}, ${verdict.sizeBytes} bytes${verdict.content && `, ${verdict.content}`}`,
  );
  for (const fault of verdict.faults) say(`  ${fault}`);
  const isWanted = (key: string): boolean =>
    flags.filterKey === undefined || key.includes(flags.filterKey);
  if (kind === 'tsm' && !(verdict.state === 'corrupt' && verdict.content === '')) {
    await dumpTsm(files, path, isWanted, say);
  } else if (kind === 'tombstone' && verdict.state === 'sound') {
    for (const { key, minNs, maxNs } of await readTombstones(files, path)) {
      const text = new TextDecoder().decode(key.slice());
      if (isWanted(text)) say(`  ${text} from ${minNs} to ${maxNs}`);
    }
  } else if (kind === 'influxdb-wal') {
    await dumpInfluxWal(files, path, isWanted, say);
  }
  return verdict.state === 'corrupt' ? 1 : 0;
}

async function dumpTsm(
  files: FileSystem,
  path: string,
  isWanted: (key: string) => boolean,
  say: (line: string) => void,
): Promise<void> {
  const reader = await TsmReader.open(files, path);
  const { minNs, maxNs } = reader.summary;
  say(`  times ${minNs} to ${maxNs}, ${reader.tombstones.count} deletions beside it`);
  let lastKey = '';
  for (const block of walkBlocks(reader)) {
    const { seriesKey, field, type } = block;
    const key = `${seriesKey} ${field}`;
    if (!isWanted(key)) continue;
    if (key !== lastKey) say(`  ${key} (${type})`);
    lastKey = key;
    const where = `${block.sizeBytes} bytes at ${block.offset}`;
    const what = `${block.count} values, times ${block.timeEncoding}, values ${block.valueEncoding}`;
    say(
      `    ${block.minNs} to ${block.maxNs}: ${where}, ${block.fault === '' ? what : block.fault}`,
    );
  }
  await reader.release();
}

async function dumpInfluxWal(
  files: FileSystem,
  path: string,
  isWanted: (key: string) => boolean,
  say: (line: string) => void,
): Promise<void> {
  const text = (key: Uint8Array): string => new TextDecoder().decode(key.slice());
  readInfluxWal(await files.readFile(path), (entry) => {
    if (entry.kind === 'write') {
      for (const column of entry.columns) {
        if (isWanted(text(column.key))) say(`  write ${text(column.key)} ${columnText(column)}`);
      }
    } else {
      for (const key of entry.keys) {
        if (isWanted(text(key))) say(`  delete ${text(key)} from ${entry.minNs} to ${entry.maxNs}`);
      }
    }
  });
}

function columnText({ type, count, timesNs, numbers, wide, strings }: InfluxWalColumn): string {
  const valueAt = (i: number): string => {
    if (strings !== null) {
      const { bytes, offsets } = strings;
      return JSON.stringify(new TextDecoder().decode(bytes.slice(offsets[i], offsets[i + 1])));
    }
    if (wide !== null) return String(wide[i]);
    return type === FieldType.BOOLEAN ? String(numbers[i] === 1) : String(numbers[i]);
  };
  return Array.from({ length: count }, (_, i) => `${timesNs[i]}=${valueAt(i)}`).join(' ');
}
