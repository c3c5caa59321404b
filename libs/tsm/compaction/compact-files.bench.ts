/**
 * Speed of compactions, on files in the system's temporary folder: joining small blocks that follow each other, copying full
 * ones, and merging files whose times interleave.
 *
 *   npm run build && node dist/libs/tsm/compaction/compact-files.bench.js
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeFileSystem } from '#kernel';
import { FieldType } from '#models';
import { BlockBuilder } from '../block.js';
import { tsmFileName } from '../tsm-format.js';
import { publishTsmFiles, TsmWriter } from '../tsm-writer.js';
import { compactFiles } from './compact-files.js';

const FILES = 4;
const SERIES = 500;
const FIELDS = 10;
const BASE_NS = 1_500_000_000_000_000_000n;
const files = new NodeFileSystem();

/** Writes the inputs: value i of file f is at `timeOf(f, i)`. */
async function inputs(
  directory: string,
  perFile: number,
  timeOf: (file: number, i: number) => number,
): Promise<string[]> {
  const paths: string[] = [];
  const builder = new BlockBuilder();
  const offsets = new Float64Array(perFile);
  const numbers = new Float64Array(perFile);
  for (let file = 0; file < FILES; file++) {
    const path = join(directory, tsmFileName({ generation: file + 1, sequence: 1 }));
    const writer = await TsmWriter.create(files, path);
    for (let i = 0; i < perFile; i++) offsets[i] = timeOf(file, i);
    builder.setTimes(offsets, perFile, BASE_NS);
    const [minNs, maxNs] = [BASE_NS + BigInt(offsets[0]!), BASE_NS + BigInt(offsets[perFile - 1]!)];
    for (let key = 0; key < SERIES * FIELDS; key++) {
      for (let i = 0; i < perFile; i++) numbers[i] = Math.round(Math.sin(i / 50 + key) * 1000) / 10;
      const name = new TextEncoder().encode(`cpu,host=h${String(key).padStart(6, '0')}#!~#v`);
      const block = builder.build(FieldType.FLOAT, { numbers, wide: null, strings: null }, perFile);
      if (!writer.add(name, FieldType.FLOAT, minNs, maxNs, block)) await writer.drained();
    }
    await publishTsmFiles(files, [await writer.finish()]);
    paths.push(path);
  }
  return paths;
}

const root = await mkdtemp(join(tmpdir(), 'tidegate-bench-'));
try {
  const cases: [string, number, (file: number, i: number) => number][] = [
    ['join blocks of 250 values', 250, (file, i) => (file * 250 + i) * 1e10],
    ['copy blocks of 1,000 values', 1000, (file, i) => (file * 1000 + i) * 1e10],
    ['merge four files value by value', 250, (file, i) => i * 1e10 + file * 1e9],
  ];
  for (const [number, [name, perFile, timeOf]] of cases.entries()) {
    const directory = join(root, String(number));
    await mkdir(directory);
    const paths = await inputs(directory, perFile, timeOf);
    const started = performance.now();
    const job = { directory, paths, repack: true, throughputBytes: 0, burstBytes: 0 };
    const { outputs } = await compactFiles(files, job);
    const tookMs = performance.now() - started;
    const values = FILES * SERIES * FIELDS * perFile;
    const sizeBytes = outputs.reduce((sum, output) => sum + output.sizeBytes, 0);
    process.stdout.write(
      `${name.padEnd(32)} ${(values / tookMs / 1000).toFixed(1).padStart(7)} M values/s  ${(sizeBytes / tookMs / 1000).toFixed(0).padStart(5)} MB/s written\n`,
    );
  }
} finally {
  await rm(root, { recursive: true });
}
