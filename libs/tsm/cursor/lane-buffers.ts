/**
 * Arrays that a lane decodes into. A query opens a cursor for each field of each series, and most read a block or two: their
 * arrays are handed from one to the next. Everything here is synchronous, so that a free list of the thread will do.
 */
import type { StringColumn } from '#models';
import { TimeBlock, ValueBlock } from '#encoding';
import { BlockBuffer } from '../tsm-reader.js';
import { ColumnBuffer, RunSplitter } from './column-run.js';

/** Arrays kept for the next lane; more are left to the garbage collector. A merge of a thousand series reads that many side by side. */
const FREE_MAX = 1024;
/** What those kept may take together. */
const FREE_BYTES_MAX = 24 << 20;
/** A buffer that one large block has made larger than this is not kept. */
const KEPT_BYTES_MAX = 1 << 20;

/** What one lane works with. */
export class LaneBuffers {
  readonly buffer = new BlockBuffer();
  readonly splitter = new RunSplitter();
  readonly times = new TimeBlock();
  readonly values = new ValueBlock();
  readonly spare: StringColumn = { bytes: new Uint8Array(0), offsets: new Int32Array(1) };
  readonly cut = new ColumnBuffer();
}

const free: LaneBuffers[] = [];
let freeBytes = 0;

/** Buffers for one lane, empty; give them back once nobody looks at them any more. */
export function takeLaneBuffers(): LaneBuffers {
  const buffers = free.pop();
  if (buffers === undefined) return new LaneBuffers();
  freeBytes -= keptBytes(buffers);
  return buffers;
}

/** Takes buffers back. Whatever was read from them may change from now on. */
export function giveLaneBuffers(buffers: LaneBuffers): void {
  const { values, times } = buffers;
  const bytes = keptBytes(buffers);
  if (free.length >= FREE_MAX || bytes > KEPT_BYTES_MAX || freeBytes + bytes > FREE_BYTES_MAX)
    return;
  buffers.splitter.reset();
  values.wide = null;
  times.wide = null;
  free.push(buffers);
  freeBytes += bytes;
}

function keptBytes({ buffer, values, times }: LaneBuffers): number {
  return (
    buffer.bytes.length +
    values.strings.bytes.length +
    8 * (times.offsets.length + values.numbers.length)
  );
}
