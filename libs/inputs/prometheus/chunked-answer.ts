/**
 * Streamed answers of a remote read: frames of a length, a CRC-32C and a `prometheus.ChunkedReadResponse` with one series, its
 * samples in XOR chunks. A series that does not fit into a frame goes on in the next one, under the same labels.
 * @see https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/
 */
import { varintSizeBytes, writeU32, writeVarint } from '#encoding';
import { crc32c } from './crc32c.js';
import { fieldBytes, MessageWriter, numberFieldBytes } from './message-writer.js';
import type { SampleReader } from './sample-reader.js';
import type { ReadBudget, ScannedSeries } from './series-scan.js';
import {
  CHUNK_MAX_BYTES,
  CHUNK_SAMPLES_MAX,
  type ChunkSamples,
  XorChunkEncoder,
} from './xor-chunk.js';

/** Chunks of a frame may have so many bytes. Clients take frames up to 50 MB, and some take each for a series of its own. */
const FRAME_BYTES = 4 * 1024 * 1024;
/** `Chunk.Encoding.XOR` */
const XOR = 1;
const CRC_BYTES = 4;
const NO_SERIES = { labels: [], labelsLength: 0 };

/** Makes the frames of an answer. */
export class ChunkedAnswer {
  private readonly chunks = new MessageWriter();
  private readonly encoder = new XorChunkEncoder();
  private readonly chunk = new Uint8Array(CHUNK_MAX_BYTES);
  /** Samples that do not fill a chunk yet. */
  private readonly samples: ChunkSamples = {
    timesMs: new Float64Array(CHUNK_SAMPLES_MAX),
    words: new Int32Array(2 * CHUNK_SAMPLES_MAX),
  };
  private pending = 0;
  private series: ScannedSeries | null = null;

  constructor(private readonly budget: ReadBudget) {}

  /** Begins a series. */
  start(series: ScannedSeries): void {
    this.series = series;
    this.chunks.length = 0;
    this.pending = 0;
  }

  /**
   * Adds the first `count` samples that the reader holds.
   * @returns a frame when there is enough for one, else null
   * @throws InputError where the answer gets too large
   */
  addSamples(reader: SampleReader, count: number): Uint8Array | null {
    this.budget.addSamples(count);
    const { timesMs, words } = this.samples;
    for (let i = 0; i < count; i++) {
      timesMs[this.pending] = reader.timesMs[i]!;
      words[2 * this.pending] = reader.words[2 * i]!;
      words[2 * this.pending + 1] = reader.words[2 * i + 1]!;
      if (++this.pending === CHUNK_SAMPLES_MAX) this.addChunk();
    }
    return this.chunks.length >= FRAME_BYTES ? this.frame() : null;
  }

  /** Ends the series: its last frame, or null. */
  end(): Uint8Array | null {
    if (this.pending > 0) this.addChunk();
    return this.chunks.length > 0 ? this.frame() : null;
  }

  /** Adds the pending samples as a `Chunk`. */
  private addChunk(): void {
    const { chunks, chunk, samples, pending } = this;
    const { timesMs } = samples;
    const minMs = timesMs[0]!;
    const maxMs = timesMs[pending - 1]!;
    const length = this.encoder.encode(samples, pending, chunk);
    chunks.startField(
      2,
      numberFieldBytes(minMs) +
        numberFieldBytes(maxMs) +
        numberFieldBytes(XOR) +
        fieldBytes(length),
    );
    chunks.putNumber(1, minMs);
    chunks.putNumber(2, maxMs);
    chunks.putNumber(3, XOR);
    chunks.startField(4, length);
    chunks.put(chunk.subarray(0, length));
    this.pending = 0;
  }

  /** A frame of the series' labels and the chunks so far; belongs to the caller. */
  private frame(): Uint8Array {
    const { chunks } = this;
    const { labels, labelsLength } = this.series ?? NO_SERIES;
    const seriesLength = labelsLength + chunks.length;
    const messageLength = fieldBytes(seriesLength);
    const frame = new MessageWriter();
    frame.reserve(varintSizeBytes(messageLength) + CRC_BYTES + messageLength);
    const crcAt = writeVarint(frame.bytes, 0, messageLength);
    frame.length = crcAt + CRC_BYTES;
    frame.startField(1, seriesLength);
    for (const label of labels) frame.put(label);
    frame.put(chunks.bytes.subarray(0, chunks.length));
    chunks.length = 0;
    const { bytes, length } = frame;
    writeU32(bytes, crcAt, crc32c(bytes, crcAt + CRC_BYTES, length));
    return bytes.subarray(0, length);
  }
}
