/**
 * Goes through the blocks of a TSM file one by one, decodes each and says what it is and what is wrong with it. For offline
 * tools: nothing is changed, and no block stops the walk.
 */
import { messageOf } from '#kernel';
import { type FieldType, fieldTypeName, FieldType as Type } from '#models';
import { decodeTimes, TimeBlock, ValueBlock } from '#encoding';
import { type BlockParts, decodeBlockValues, openBlock } from '../block.js';
import { findSeparator, SEPARATOR_BYTES } from '../field-key.js';
import { IndexEntries } from '../index-entries.js';
import { BlockBuffer, type TsmReader } from '../tsm-reader.js';

/** One block. */
export interface InspectedBlock {
  /** Series key as stored. */
  readonly seriesKey: string;
  readonly field: string;
  readonly type: string;
  /** Times as the index has them, both inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
  /** Values in it; 0 where it does not decode. */
  readonly count: number;
  readonly timeEncoding: string;
  readonly valueEncoding: string;
  /** What is wrong with it, or ''. */
  readonly fault: string;
}

const decoder = new TextDecoder();
const INTEGER_ENCODINGS = ['raw', 'simple8b', 'run length'];
/** By type: names of the encodings by the high half of the first byte. */
const VALUE_ENCODINGS: Readonly<Record<FieldType, readonly string[]>> = {
  [Type.FLOAT]: ['raw', 'gorilla'],
  [Type.INTEGER]: INTEGER_ENCODINGS,
  [Type.BOOLEAN]: ['raw', 'bits'],
  [Type.STRING]: ['raw', 'snappy'],
  [Type.UNSIGNED]: INTEGER_ENCODINGS,
};

/** Every block of a file, in the order of its index. */
export function* walkBlocks(reader: TsmReader): Generator<InspectedBlock> {
  const work = new BlockDecoder(reader);
  const entries = new IndexEntries();
  const scanner = reader.scan();
  while (scanner.next(entries)) {
    const { key } = scanner;
    const separatorAt = findSeparator(key);
    const end = separatorAt < 0 ? key.length : separatorAt;
    const seriesKey = decoder.decode(key.slice(0, end));
    const field = decoder.decode(key.slice(end + SEPARATOR_BYTES.length));
    for (let number = 0; number < entries.count; number++) {
      yield { seriesKey, field, ...work.inspect(entries, number) };
    }
  }
}

type BlockFacts = Omit<InspectedBlock, 'seriesKey' | 'field'>;

class BlockDecoder {
  private readonly buffer = new BlockBuffer();
  private readonly times = new TimeBlock();
  private readonly values = new ValueBlock();

  constructor(private readonly reader: TsmReader) {}

  inspect(entries: IndexEntries, number: number): BlockFacts {
    const facts = {
      type: fieldTypeName(entries.type),
      minNs: entries.minNs[number],
      maxNs: entries.maxNs[number],
      offset: entries.offsets[number],
      sizeBytes: entries.sizesBytes[number],
    };
    try {
      return { ...facts, ...this.decode(entries, number) };
    } catch (error) {
      const fault = messageOf(error);
      return { ...facts, count: 0, timeEncoding: '', valueEncoding: '', fault };
    }
  }

  private decode(
    entries: IndexEntries,
    number: number,
  ): Pick<BlockFacts, 'count' | 'timeEncoding' | 'valueEncoding' | 'fault'> {
    const { buffer, times, values } = this;
    const parts: BlockParts = { type: Type.FLOAT, timesAt: 0, valuesAt: 0, end: 0 };
    const start = this.reader.load(buffer, entries, number, number);
    const { bytes } = buffer;
    openBlock(bytes, start, start + entries.sizesBytes[number], parts);
    decodeTimes(bytes, parts.timesAt, parts.valuesAt, times);
    decodeBlockValues(bytes, parts, values, times.count);
    const encodings = VALUE_ENCODINGS[parts.type];
    return {
      count: times.count,
      timeEncoding: INTEGER_ENCODINGS[bytes[parts.timesAt] >>> 4] ?? 'unknown',
      valueEncoding: encodings[bytes[parts.valuesAt] >>> 4] ?? 'unknown',
      fault:
        parts.type === entries.type
          ? this.faultOfTimes(entries, number)
          : 'type differs from the index',
    };
  }

  /** Times have to ascend, and to begin and end where the index says. */
  private faultOfTimes(entries: IndexEntries, number: number): string {
    const { count } = this.times;
    if (count === 0) return 'no values';
    for (let i = 1; i < count; i++) {
      if (this.timeAt(i) <= this.timeAt(i - 1)) return `time ${i} is not after the one before`;
    }
    const isRight =
      this.timeAt(0) === entries.minNs[number] && this.timeAt(count - 1) === entries.maxNs[number];
    return isRight ? '' : 'times differ from the index';
  }

  private timeAt(i: number): bigint {
    const { wide, baseNs, offsets } = this.times;
    return wide === null ? baseNs + BigInt(offsets[i]) : wide[i];
  }
}
