/**
 * Prometheus' messages by protobufjs, and its chunks and frames read by programs of their own: what our encoders and decoders
 * are held against. The definitions are ours, made of the public field numbers.
 */
import protobuf from 'protobufjs';
import { compress, uncompress } from 'snappyjs';

const source = `syntax = "proto3";
message Label { string name = 1; string value = 2; }
message Sample { double value = 1; int64 timestamp = 2; }
message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
message Histogram { uint64 count_int = 1; double sum = 3; sint32 schema = 4; int64 timestamp = 15; }
message MetricMetadata { uint32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
message TimeSeries {
  repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; repeated Histogram histograms = 4;
}
message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
message Metadata2 { uint32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
message Exemplar2 { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
message TimeSeries2 {
  repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated Histogram histograms = 3;
  repeated Exemplar2 exemplars = 4; Metadata2 metadata = 5; int64 created_timestamp = 6;
}
message WriteRequest2 { repeated string symbols = 4; repeated TimeSeries2 timeseries = 5; }
message Matcher { uint32 type = 1; string name = 2; string value = 3; }
message Hints {
  int64 step_ms = 1; string func = 2; int64 start_ms = 3; int64 end_ms = 4; repeated string grouping = 5; bool by = 6; int64 range_ms = 7;
}
message Query { int64 start_timestamp_ms = 1; int64 end_timestamp_ms = 2; repeated Matcher matchers = 3; Hints hints = 4; }
message ReadRequest { repeated Query queries = 1; repeated uint32 accepted_response_types = 2; }
message SampleBits { fixed64 value = 1; int64 timestamp = 2; }
message TimeSeriesBits { repeated Label labels = 1; repeated SampleBits samples = 2; }
message QueryResult { repeated TimeSeriesBits timeseries = 1; }
message ReadResponse { repeated QueryResult results = 1; }
message Chunk { int64 min_time_ms = 1; int64 max_time_ms = 2; uint32 type = 3; bytes data = 4; }
message ChunkedSeries { repeated Label labels = 1; repeated Chunk chunks = 2; }
message ChunkedReadResponse { repeated ChunkedSeries chunked_series = 1; int64 query_index = 2; }`;

const { root } = protobuf.parse(source, { keepCase: true });

/** Names of the messages. */
export type PrometheusMessage =
  'WriteRequest' | 'WriteRequest2' | 'ReadRequest' | 'ReadResponse' | 'ChunkedReadResponse';

/** The bytes of a message given as a plain object. */
export function encodePrometheus(message: PrometheusMessage, content: object): Uint8Array {
  const type = root.lookupType(message);
  return type.encode(type.fromObject(content)).finish();
}

/** A message as a plain object; numbers of 64 bits as texts, defaults filled in. @throws where the bytes are none */
export function decodePrometheus<Content>(message: PrometheusMessage, bytes: Uint8Array): Content {
  const type = root.lookupType(message);
  return type.toObject(type.decode(bytes), { longs: String, defaults: true }) as Content;
}

/** Stands for a staleness marker in messages to encode: JavaScript's numbers do not keep the bits of that NaN. */
export const STALE_STAND_IN = 1.2345678e-67;
const STALE_BITS = '7ff0000000000002';

/** The same bytes with staleness markers in the place of their stand-ins. */
function withStale(bytes: Uint8Array): Uint8Array {
  const standIn = Buffer.from(bitsOf(STALE_STAND_IN), 'hex').reverse();
  const marker = Buffer.from(STALE_BITS, 'hex').reverse();
  const copy = Buffer.from(bytes);
  for (let at = copy.indexOf(standIn); at >= 0; at = copy.indexOf(standIn, at))
    copy.set(marker, at);
  return copy;
}

/** A message as a request's body. */
export function prometheusBody(message: PrometheusMessage, content: object): Uint8Array {
  return snappy(withStale(encodePrometheus(message, content)));
}

/** Compressed by snappyjs. */
export function snappy(bytes: Uint8Array): Uint8Array {
  return compress(new Uint8Array(bytes));
}

/** A label set, and its samples: milliseconds, and the value's 64 bits in hex. */
export interface ReadSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly (readonly [number, string])[];
}

interface SentLabels {
  readonly labels: readonly { readonly name: string; readonly value: string }[];
}

const labelsOf = ({ labels }: SentLabels): Record<string, string> =>
  Object.fromEntries(labels.map(({ name, value }) => [name, value]));

/** The bits of a float. */
export function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString('hex');
}

/** The series of an answer in one piece. */
export function seriesOfSamples(body: Uint8Array): ReadSeries[] {
  const { results } = decodePrometheus<{
    results: {
      timeseries: (SentLabels & { samples: { value: string; timestamp: string }[] })[];
    }[];
  }>('ReadResponse', uncompress(new Uint8Array(body)));
  return results.flatMap(({ timeseries }) =>
    timeseries.map((series) => ({
      labels: labelsOf(series),
      samples: series.samples.map(
        ({ timestamp, value }) =>
          [Number(timestamp), BigInt(value).toString(16).padStart(16, '0')] as const,
      ),
    })),
  );
}

/** The series of a streamed answer; frames of one series are joined. @throws where a checksum is wrong */
export function seriesOfStream(body: Uint8Array): ReadSeries[] {
  const found: ReadSeries[] = [];
  for (let at = 0; at < body.length;) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = body[at++] ?? 0;
      length |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    const crc = Buffer.from(body.buffer, body.byteOffset + at, 4).readUInt32BE();
    const message = body.subarray(at + 4, at + 4 + length);
    if (message.length < length || bitwiseCrc32c(message) !== crc)
      throw new RangeError('bad frame');
    at += 4 + length;
    const { chunked_series: chunked } = decodePrometheus<{
      chunked_series: (SentLabels & { chunks: { data: Uint8Array }[] })[];
    }>('ChunkedReadResponse', message);
    for (const series of chunked) {
      const labels = labelsOf(series);
      const samples = series.chunks.flatMap(({ data }) => decodeXorChunk(data));
      const last = found[found.length - 1];
      const isMore = JSON.stringify(last?.labels) === JSON.stringify(labels);
      // Different series may have equal labels; one that goes on does so behind what was there.
      const endMs = last?.samples[last.samples.length - 1]?.[0] ?? Infinity;
      if (last !== undefined && isMore && (samples[0]?.[0] ?? 0) > endMs)
        found[found.length - 1] = { labels, samples: [...last.samples, ...samples] };
      else found.push({ labels, samples });
    }
  }
  return found;
}

/** The polynomial's definition, bit by bit. */
function bitwiseCrc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** Bits of a chunk as one long string: slow, and nothing like the encoder. */
class ChunkBits {
  private readonly bits: string;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  }

  /** The next bits as an unsigned number. */
  take(count: number): bigint {
    const text = this.bits.slice(this.at, this.at + count);
    if (text.length < count) throw new RangeError('chunk is cut off');
    this.at += count;
    return count === 0 ? 0n : BigInt(`0b${text}`);
  }

  /** Leading ones, at most four, and the zero behind them. */
  prefix(): number {
    for (let ones = 0; ones < 4; ones++) if (this.take(1) === 0n) return ones;
    return 4;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.take(8);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return value;
    }
  }
}

/** The samples of an XOR chunk, by tsdb/chunkenc/xor.go. */
export function decodeXorChunk(bytes: Uint8Array): (readonly [number, string])[] {
  const bits = new ChunkBits(bytes);
  const count = Number(bits.take(16));
  const first = bits.varint();
  let time = first & 1n ? -((first + 1n) / 2n) : first / 2n;
  let value = bits.take(64);
  let delta = 0n;
  let leading = 0n;
  let trailing = 0n;
  const samples: (readonly [number, string])[] = [];
  const push = (): number =>
    samples.push([Number(time), value.toString(16).padStart(16, '0')] as const);
  push();
  for (let i = 1; i < count; i++) {
    if (i === 1) delta = bits.varint();
    else {
      const size = [0, 14, 17, 20, 64][bits.prefix()] ?? 0;
      delta += signed(bits.take(size), size);
    }
    time += delta;
    if (bits.take(1) === 1n) {
      if (bits.take(1) === 1n) {
        leading = bits.take(5);
        const size = bits.take(6) || 64n;
        trailing = 64n - leading - size;
      }
      value ^= bits.take(Number(64n - leading - trailing)) << trailing;
    }
    push();
  }
  return samples;
}

/** Of the numbers of so many bits the lower half and the one in the middle stand for themselves, the others are negative. */
function signed(raw: bigint, size: number): bigint {
  if (size === 0) return 0n;
  if (size === 64) return BigInt.asIntN(64, raw);
  return raw > 1n << BigInt(size - 1) ? raw - (1n << BigInt(size)) : raw;
}
