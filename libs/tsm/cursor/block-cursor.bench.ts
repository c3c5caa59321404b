/**
 * Speed of reading, on files in the system's temporary folder: opening and looking up a large index, scanning blocks that
 * nothing overlaps (one field, and ten fields with the same times), and merging two files that interleave.
 *
 *   npm run build && node dist/libs/tsm/cursor/block-cursor.bench.js
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NodeFileSystem } from '#kernel';
import { FieldType } from '#models';
import { BlockBuilder } from '../block.js';
import { IndexEntries } from '../index-entries.js';
import { tsmFileName } from '../tsm-format.js';
import { TsmReader } from '../tsm-reader.js';
import { publishTsmFiles, TsmWriter } from '../tsm-writer.js';
import { BlockCursor } from './block-cursor.js';
import { TimeMemo } from './time-memo.js';

const files = new NodeFileSystem();
const directory = await mkdtemp(join(tmpdir(), 'tidegate-bench-'));
const BASE_NS = 1_500_000_000_000_000_000n;
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const keyOf = (series: number, field: number): Uint8Array =>
  utf8(`cpu,host=host_${String(series).padStart(7, '0')},region=eu#!~#f${field}`);

let generation = 0;

/** A file of series x fields x blocks of 1,000 gauges, times every 10 s with a few ms of jitter. */
async function fileOf(
  size: { series: number; fields: number; blocks: number; valuesPerBlock: number },
  startNs = 0,
) {
  const path = join(directory, tsmFileName({ generation: ++generation, sequence: 1 }));
  const writer = await TsmWriter.create(files, path);
  const builder = new BlockBuilder();
  const offsets = new Float64Array(size.valuesPerBlock);
  const numbers = new Float64Array(size.valuesPerBlock);
  for (let series = 0; series < size.series; series++) {
    for (let field = 0; field < size.fields; field++) {
      for (let block = 0; block < size.blocks; block++) {
        for (let i = 0; i < offsets.length; i++) {
          offsets[i] = startNs + (block * offsets.length + i) * 1e10 + ((i * 7919) % 1000) * 1e6;
          numbers[i] = Math.round(Math.sin(i / 50 + field) * 1000) / 10;
        }
        builder.setTimes(offsets, offsets.length, BASE_NS);
        const built = builder.build(
          FieldType.FLOAT,
          { numbers, wide: null, strings: null },
          offsets.length,
        );
        const [first, last] = [
          BASE_NS + BigInt(offsets[0]!),
          BASE_NS + BigInt(offsets[offsets.length - 1]!),
        ];
        if (!writer.add(keyOf(series, field), FieldType.FLOAT, first, last, built))
          await writer.drained();
      }
    }
  }
  await publishTsmFiles(files, [await writer.finish()]);
  return path;
}

function report(name: string, units: number, unit: string, run: () => void): void {
  let best = Infinity;
  for (let round = 0; round < 5; round++) {
    const started = performance.now();
    run();
    best = Math.min(best, performance.now() - started);
  }
  const rate = units / best / 1000;
  process.stdout.write(
    `${name.padEnd(44)} ${rate.toFixed(2).padStart(8)} M ${unit}/s  ${best.toFixed(1).padStart(8)} ms\n`,
  );
}

function scan(
  readers: readonly TsmReader[],
  key: Uint8Array,
  memo: TimeMemo | null,
  ascending: boolean,
): number {
  const sources = readers.map((reader) => {
    const entries = new IndexEntries();
    reader.find(key, entries);
    return { reader, entries, deleted: null };
  });
  const cursor = new BlockCursor({
    type: FieldType.FLOAT,
    files: sources,
    cached: null,
    minNs: 0n,
    maxNs: 2n ** 62n,
    ascending,
    baseNs: BASE_NS,
    memo,
    onCorruptBlock: null,
  });
  let sum = 0;
  for (let batch = cursor.next(); batch !== null; batch = cursor.next()) {
    for (let i = 0; i < batch.count; i++) sum += batch.numbers[i]!;
  }
  return sum;
}

try {
  const manyPath = await fileOf({ series: 200_000, fields: 5, blocks: 1, valuesPerBlock: 2 });
  const opening = performance.now();
  const many = await TsmReader.open(files, manyPath);
  const openMs = performance.now() - opening;
  process.stdout.write(
    `open a file of 1 M keys, checksum included ${openMs.toFixed(0).padStart(20)} ms\n`,
  );
  const entries = new IndexEntries();
  const keys = Array.from({ length: 20_000 }, (_, i) => keyOf((i * 7919) % 200_000, i % 5));
  report('lookup, random keys', keys.length, 'keys', () => {
    for (const key of keys) many.find(key, entries);
  });

  const wide = await TsmReader.open(
    files,
    await fileOf({ series: 1, fields: 10, blocks: 200, valuesPerBlock: 1000 }),
  );
  const late = await TsmReader.open(
    files,
    await fileOf({ series: 1, fields: 1, blocks: 200, valuesPerBlock: 1000 }, 5e9),
  );
  const field = (number: number): Uint8Array => keyOf(0, number);
  report('scan one field', 200_000, 'values', () => void scan([wide], field(0), null, true));
  report(
    'scan one field, latest first',
    200_000,
    'values',
    () => void scan([wide], field(0), null, false),
  );
  report('scan ten fields', 2_000_000, 'values', () => {
    for (let number = 0; number < 10; number++) scan([wide], field(number), null, true);
  });
  const short = await TsmReader.open(
    files,
    await fileOf({ series: 1, fields: 10, blocks: 20, valuesPerBlock: 1000 }),
  );
  const memo = new TimeMemo(true, BASE_NS);
  for (const [name, shared] of [
    ['each by itself', null],
    ['times decoded once', memo],
  ] as const) {
    report(`scan ten fields of 20 blocks, ${name}`, 200_000, 'values', () => {
      for (let number = 0; number < 10; number++) scan([short], field(number), shared, true);
    });
  }
  report(
    'merge two files value by value',
    400_000,
    'values',
    () => void scan([wide, late], field(0), null, true),
  );
  for (const reader of [many, wide, late, short]) await reader.release();
} finally {
  await rm(directory, { recursive: true });
}
