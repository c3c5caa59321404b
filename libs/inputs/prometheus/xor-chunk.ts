/**
 * Prometheus' XOR chunks: up to 120 samples, times as deltas of deltas, values by the bits that differ from the one before.
 * @see prometheus/tsdb/chunkenc/xor.go
 */
import {
  type BitWriter,
  createBitWriter,
  encodeZigzag,
  flushBits,
  putBits,
  startBits,
  writeVarint,
} from '#encoding';

/** Samples of a chunk, as Prometheus makes them. */
export const CHUNK_SAMPLES_MAX = 120;
/** Bytes that a chunk can have: two, and for each sample at most 68 bits of time and 77 of value. */
export const CHUNK_MAX_BYTES = 2 + 32 + CHUNK_SAMPLES_MAX * 19;

const NO_WINDOW = 0xff;

/** Samples to encode. */
export interface ChunkSamples {
  readonly timesMs: Float64Array;
  readonly words: Int32Array;
}

/** Encodes chunks, one at a time. */
export class XorChunkEncoder {
  private readonly bits: BitWriter = createBitWriter();
  private leading = NO_WINDOW;
  private trailing = 0;

  /**
   * Encodes the first `count` samples, 1 to {@link CHUNK_SAMPLES_MAX}, to the front of `out`.
   * @param samples times whole and ascending; values as words, low before high
   * @returns the size of the chunk
   */
  encode(samples: ChunkSamples, count: number, out: Uint8Array): number {
    const { bits } = this;
    const { timesMs, words } = samples;
    out[0] = count >>> 8;
    out[1] = count & 255;
    startBits(bits, out, writeVarint(out, 2, encodeZigzag(timesMs[0]!)));
    putBits(bits, words[1]!, 32);
    putBits(bits, words[0]!, 32);
    this.leading = NO_WINDOW;
    let delta = 0;
    for (let i = 1; i < count; i++) {
      const next = timesMs[i]! - timesMs[i - 1]!;
      if (i === 1) putVarint(bits, next);
      else putDeltaOfDelta(bits, next - delta);
      delta = next;
      this.putValue(words[2 * i + 1]! ^ words[2 * i - 1]!, words[2 * i]! ^ words[2 * i - 2]!);
    }
    return flushBits(bits);
  }

  /** Writes the bits in which a value differs from the one before. */
  private putValue(high: number, low: number): void {
    const { bits } = this;
    if ((high | low) === 0) {
      putBits(bits, 0, 1);
      return;
    }
    const leading = Math.min(31, high === 0 ? 32 + Math.clz32(low) : Math.clz32(high));
    const trailing = low === 0 ? 32 + trailingZeros(high) : trailingZeros(low);
    if (this.leading !== NO_WINDOW && leading >= this.leading && trailing >= this.trailing) {
      putBits(bits, 0b10, 2);
    } else {
      this.leading = leading;
      this.trailing = trailing;
      putBits(bits, 0b11, 2);
      putBits(bits, leading, 5);
      // 64 does not fit and stands as 0.
      putBits(bits, (64 - leading - trailing) & 63, 6);
    }
    this.putWindow(high, low);
  }

  /** Writes the bits between the window's ends. */
  private putWindow(high: number, low: number): void {
    const { bits, leading, trailing } = this;
    const size = 64 - leading - trailing;
    const shiftedLow =
      trailing === 0
        ? low
        : trailing < 32
          ? (low >>> trailing) | (high << (32 - trailing))
          : high >>> (trailing - 32);
    if (size > 32) {
      putBits(bits, trailing === 0 ? high : high >>> trailing, size - 32);
      putBits(bits, shiftedLow, 32);
    } else putBits(bits, shiftedLow, size);
  }
}

/** Writes a whole number as Go's uvarint, at any bit. */
function putVarint(bits: BitWriter, value: number): void {
  let rest = value;
  while (rest > 127) {
    const above = Math.floor(rest / 128);
    putBits(bits, (rest - above * 128) | 128, 8);
    rest = above;
  }
  putBits(bits, rest, 8);
}

function putDeltaOfDelta(bits: BitWriter, value: number): void {
  if (value === 0) putBits(bits, 0, 1);
  else if (value >= -8191 && value <= 8192) putSmall(bits, 0b10, 2, value & 0x3fff, 14);
  else if (value >= -65535 && value <= 65536) putSmall(bits, 0b110, 3, value & 0x1ffff, 17);
  else if (value >= -524287 && value <= 524288) putSmall(bits, 0b1110, 4, value & 0xfffff, 20);
  else {
    putBits(bits, 0b1111, 4);
    const high = Math.floor(value / 4294967296);
    putBits(bits, high | 0, 32);
    putBits(bits, (value - high * 4294967296) | 0, 32);
  }
}

function putSmall(
  bits: BitWriter,
  mark: number,
  markSize: number,
  value: number,
  size: number,
): void {
  putBits(bits, mark, markSize);
  putBits(bits, value, size);
}

function trailingZeros(word: number): number {
  return word === 0 ? 32 : 31 - Math.clz32(word & -word);
}
