/**
 * Remote write requests, 1.0 (`prometheus.WriteRequest`) and 2.0 (`io.prometheus.write.v2.Request`), straight from the wire
 * format into a PointsBuilder. A label set is hashed and looked up as the bytes that it is, so a series seen before costs
 * neither object nor string; 2.0's label sets are written out as 1.0 has them first.
 * @see https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/
 */
import {
  FieldType,
  finishKeyHash,
  hashKey,
  KEY_HASH_SEED,
  type PointsBuilder,
  TIME_MAX_NS,
  TIME_MIN_NS,
} from '#models';
import { InputError } from '../shared/errors.js';
import { LABELS_TAG, LabelSet, LABEL_SET_MAX_BYTES, seriesKeyOfLabels } from './label-sets.js';
import { SymbolTable } from './symbol-table.js';
import { DELIMITED, FIXED64, malformed, VARINT, WireCursor, wrongType } from './wire-cursor.js';
import { newTally, type WriteTally } from './write-tally.js';

/** Field of the values, as InfluxDB stores them. */
export const VALUE_FIELD = 'value';
/** Field of what is no finite number, in lossless mode: the 64 bits of the float as an integer. */
export const BITS_FIELD = 'value_bits';

/** Limits of a request. */
export interface WriteLimits {
  readonly samplesMax: number;
  /** Bytes of the label sets of a 2.0 request, written out. */
  readonly labelBytesMax: number;
}

/** Numbers of the fields of a `TimeSeries` that is not a label or a sample. */
interface SeriesFields {
  readonly names: readonly string[];
  readonly exemplars: number;
  readonly histograms: number;
}

const SERIES_1: SeriesFields = {
  names: ['', 'Labels', 'Samples', 'Exemplars', 'Histograms'],
  exemplars: 3,
  histograms: 4,
};
const SERIES_2: SeriesFields = {
  names: ['', 'LabelsRefs', 'Samples', 'Histograms', 'Exemplars', 'Metadata'],
  exemplars: 4,
  histograms: 3,
};

/** Float 0x7ff0000000000002: the series has ended. */
const STALE_LOW = 2;
const STALE_HIGH = 0x7ff00000;
const EXPONENT = 0x7ff00000;
const FRACTION_HIGH = 0x000fffff;
/** Times in milliseconds beyond which nanoseconds need more than 64 bits. */
const NARROW_MS_MAX = 9_223_372_036_854;
/** Behind the label set in the raw name of a series' bits; no label set ends so. */
const BITS_MARK = 0;
const NOT_FOUND = -1;
/** Bytes behind a label set that a guess may read. */
const GUESS_PADDING = 3;
/** hashKey's multiplier. */
const GOLDEN = 0x9e3779b1 | 0;

const SAMPLES_TAG = (2 << 3) | DELIMITED;
const SAMPLE_VALUE_TAG = (1 << 3) | FIXED64;
const SAMPLE_TIME_TAG = (2 << 3) | VARINT;

/** Tag, eight bytes, tag, six bytes. */
const PLAIN_SAMPLE_BYTES = 16;

const valueFields = [{ name: VALUE_FIELD, type: FieldType.FLOAT }];
const bitsFields = [{ name: BITS_FIELD, type: FieldType.INTEGER }];

/** Reads requests. One at a time; everything is synchronous. */
export class WriteDecoder {
  private readonly cursor = new WireCursor();
  private readonly symbols = new SymbolTable();
  private readonly labels = new LabelSet();
  private view: DataView = new DataView(new ArrayBuffer(0));
  private labelBytes = 0;
  private tally = newTally();
  /** Label set of the series being read. */
  private names: Uint8Array = new Uint8Array(0);
  private namesAt = 0;
  private namesLength = 0;
  /** Time of the sample being read; `wideTimeMs` where it is not null. */
  private timeMs = 0;
  private wideTimeMs: bigint | null = null;

  constructor(
    private readonly limits: WriteLimits,
    private readonly isLossless: boolean,
  ) {}

  /**
   * Adds the samples of `bytes[0 .. length)` to a builder.
   * @returns a tally that is the caller's
   * @throws InputError where it cannot be read or a limit is passed; the builder may have points of it then
   */
  decode(
    bytes: Uint8Array,
    length: number,
    isVersion2: boolean,
    builder: PointsBuilder,
  ): WriteTally {
    this.tally = newTally();
    this.labelBytes = 0;
    if (this.view.buffer !== bytes.buffer || this.view.byteOffset !== bytes.byteOffset)
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (isVersion2) this.decodeVersion2(bytes, length, builder);
    else this.decodeVersion1(bytes, length, builder);
    return this.tally;
  }

  private decodeVersion1(bytes: Uint8Array, length: number, builder: PointsBuilder): void {
    const { cursor } = this;
    cursor.reset(bytes, 0, length);
    while (cursor.at < length) {
      const tag = cursor.tag();
      const field = tag >>> 3;
      if (field !== 1 && field !== 3) {
        cursor.skip(tag);
        continue;
      }
      if ((tag & 7) !== DELIMITED) throw wrongType(tag, field === 1 ? 'Timeseries' : 'Metadata');
      const end = cursor.length() + cursor.at;
      if (field === 1) {
        cursor.end = end;
        this.readSeries1(builder);
        cursor.end = length;
      } else this.tally.metadata++;
      cursor.at = end;
    }
  }

  /** `TimeSeries` of 1.0, from the cursor to its end. */
  private readSeries1(builder: PointsBuilder): void {
    const { cursor, labels } = this;
    const { bytes, end, at: start } = cursor;
    // Labels of fewer than 128 bytes in a run of their own: nearly always all of them.
    let at = start;
    while (at + 1 < end && bytes[at] === LABELS_TAG && bytes[at + 1]! < 128)
      at += 2 + bytes[at + 1]!;
    if (at > end) throw malformed('unexpected EOF');
    cursor.at = at;
    while (cursor.at < end && bytes[cursor.at] === LABELS_TAG) {
      cursor.at++;
      cursor.skip(LABELS_TAG);
    }
    const labelsEnd = cursor.at;
    if (this.hasLateLabels()) {
      cursor.at = start;
      labels.collect(cursor);
      this.nameSeries(labels.bytes, 0, labels.length);
    } else this.nameSeries(bytes, start, labelsEnd - start);
    cursor.at = labelsEnd;
    this.readSamples(builder, SERIES_1);
  }

  private nameSeries(names: Uint8Array, at: number, length: number): void {
    this.names = names;
    this.namesAt = at;
    this.namesLength = length;
  }

  /** Whether labels stand behind other fields: nobody sends that, but protobuf allows it. Leaves the cursor anywhere. */
  private hasLateLabels(): boolean {
    const { cursor } = this;
    const { bytes, end, at } = cursor;
    // One sample and no more: nearly always.
    if (at + 2 < end && bytes[at] === SAMPLES_TAG && at + 2 + bytes[at + 1]! === end)
      return bytes[at + 1]! > 127;
    while (cursor.at < end) {
      const tag = cursor.tag();
      if (tag === LABELS_TAG) return true;
      cursor.skip(tag);
    }
    return false;
  }

  private decodeVersion2(bytes: Uint8Array, length: number, builder: PointsBuilder): void {
    const { cursor, symbols } = this;
    symbols.read(cursor, bytes, length);
    cursor.reset(bytes, 0, length);
    while (cursor.at < length) {
      const tag = cursor.tag();
      if (tag >>> 3 !== 5) {
        cursor.skip(tag);
        continue;
      }
      if ((tag & 7) !== DELIMITED) throw wrongType(tag, 'Timeseries');
      const end = cursor.length() + cursor.at;
      cursor.end = end;
      this.readSeries2(builder);
      cursor.end = length;
      cursor.at = end;
    }
  }

  /** `TimeSeries` of 2.0, from the cursor to its end. */
  private readSeries2(builder: PointsBuilder): void {
    const { cursor, symbols, labels } = this;
    const { end, at: start } = cursor;
    symbols.startRefs();
    while (cursor.at < end) {
      const tag = cursor.tag();
      if (tag >>> 3 === 1) symbols.readRefs(cursor, tag);
      else cursor.skip(tag);
    }
    this.writeLabels();
    this.nameSeries(labels.bytes, 0, labels.length);
    cursor.at = start;
    this.readSamples(builder, SERIES_2);
  }

  /** Writes the label set of the symbols' references as 1.0 has it. */
  private writeLabels(): void {
    const { symbols, labels, limits } = this;
    const { refs, refCount } = symbols;
    if (refCount % 2 !== 0) throw malformed('labels_refs: an odd number of references');
    labels.length = 0;
    for (let i = 0; i < refCount; i += 2) {
      const name = refs[i]!;
      const value = refs[i + 1]!;
      this.labelBytes += symbols.lengths[name]! + symbols.lengths[value]! + 6;
      if (this.labelBytes > limits.labelBytesMax) {
        throw new InputError(
          'inputs.too-large',
          `labels written out exceed max-decompressed-size (${limits.labelBytesMax})`,
        );
      }
      // Too long already: it is refused, whatever follows.
      if (labels.length <= LABEL_SET_MAX_BYTES) labels.add(symbols, name, value);
    }
  }

  /** Everything but labels, from the cursor to the end of the series. */
  private readSamples(builder: PointsBuilder, fields: SeriesFields): void {
    const { cursor, tally, limits } = this;
    const { end } = cursor;
    let series: number | string = NOT_FOUND;
    while (cursor.at < end) {
      const tag = cursor.tag();
      if (tag !== SAMPLES_TAG) {
        this.leaveOut(tag, fields);
        continue;
      }
      const sampleEnd = cursor.length() + cursor.at;
      if (++tally.samples > limits.samplesMax) {
        throw new InputError(
          'inputs.too-large',
          `more than ${limits.samplesMax} samples in a request (max-samples-per-write)`,
        );
      }
      if (series === NOT_FOUND) series = this.findSeries(builder);
      let valueAt = cursor.at + 1;
      if (!this.readPlainSample(sampleEnd)) {
        cursor.end = sampleEnd;
        valueAt = this.readSample();
        cursor.end = end;
      }
      if (typeof series === 'string') this.refuse(series);
      else if (valueAt < 0) this.add(builder, series, 0);
      else if ((this.view.getInt32(valueAt + 4, true) & EXPONENT) !== EXPONENT)
        this.add(builder, series, this.view.getFloat64(valueAt, true));
      else this.addSpecial(builder, valueAt);
    }
  }

  /** Counts a field of a series that is not stored. */
  private leaveOut(tag: number, { names, exemplars, histograms }: SeriesFields): void {
    const { cursor, tally } = this;
    const field = tag >>> 3;
    const name = names[field];
    // References need not be packed.
    if (name !== undefined && (tag & 7) !== DELIMITED && name !== 'LabelsRefs')
      throw wrongType(tag, name);
    cursor.skip(tag);
    if (field === exemplars) tally.exemplars++;
    else if (field === histograms) tally.histograms++;
    else if (name === 'Metadata') tally.metadata++;
  }

  /** The series of the present names, which is added where it is new; or why it cannot be stored. */
  private findSeries(builder: PointsBuilder): number | string {
    const { names, namesAt, namesLength } = this;
    const view = names === this.cursor.bytes ? this.view : this.labels.view;
    if (namesAt + namesLength + GUESS_PADDING <= view.byteLength) {
      const guessed = builder.findFollowing(view, namesAt, namesLength);
      if (guessed !== NOT_FOUND) return guessed;
    }
    const hash = hashViewed(view, names, namesAt, namesLength);
    const found = builder.find(names, namesAt, namesLength, hash);
    const series = found === NOT_FOUND ? this.addSeries(builder) : found;
    if (typeof series === 'number') builder.noteFollowing(series);
    return series;
  }

  /** Adds the series of the present names; its number, or why it cannot be stored. */
  private addSeries(builder: PointsBuilder): number | string {
    const { names, namesAt, namesLength } = this;
    if (namesLength > LABEL_SET_MAX_BYTES)
      return `max key length exceeded: ${namesLength} > ${LABEL_SET_MAX_BYTES}`;
    return builder.addSeries(names.subarray(namesAt, namesAt + namesLength), {
      key: seriesKeyOfLabels(names, namesAt, namesAt + namesLength),
      fields: valueFields,
    });
  }

  /**
   * Reads a `Sample` as Prometheus writes it, value first, if it has a time of six bytes, as those of 1971 to 2109 have. Else
   * false, and nothing is done.
   */
  private readPlainSample(end: number): boolean {
    const { cursor } = this;
    const { bytes, at } = cursor;
    if (
      end - at !== PLAIN_SAMPLE_BYTES ||
      bytes[at] !== SAMPLE_VALUE_TAG ||
      bytes[at + 9] !== SAMPLE_TIME_TAG
    )
      return false;
    const a = bytes[at + 10]!;
    const b = bytes[at + 11]!;
    const c = bytes[at + 12]!;
    const d = bytes[at + 13]!;
    const e = bytes[at + 14]!;
    const f = bytes[at + 15]!;
    if ((a & b & c & d & e) < 128 || f > 127) return false;
    const low = (a & 127) | ((b & 127) << 7) | ((c & 127) << 14) | ((d & 127) << 21);
    this.timeMs = low + ((e & 127) | (f << 7)) * 0x10000000;
    this.wideTimeMs = null;
    cursor.at = end;
    return true;
  }

  /** Reads the `Sample` up to the cursor's end: its time, and as the result the position of its value, or -1. */
  private readSample(): number {
    const { cursor } = this;
    const { end } = cursor;
    let valueAt = -1;
    this.timeMs = 0;
    this.wideTimeMs = null;
    while (cursor.at < end) {
      const tag = cursor.tag();
      if (tag === SAMPLE_VALUE_TAG) {
        if (end - cursor.at < 8) throw malformed('unexpected EOF');
        valueAt = cursor.at;
        cursor.at += 8;
      } else if (tag === SAMPLE_TIME_TAG) {
        const ms = cursor.narrow();
        this.timeMs = ms;
        if (ms < 0) this.wideTimeMs = cursor.wide();
        else this.wideTimeMs = ms > NARROW_MS_MAX ? BigInt(ms) : null;
      } else if (tag >>> 3 === 1) throw wrongType(tag, 'Value');
      else if (tag >>> 3 === 2) throw wrongType(tag, 'Timestamp');
      else cursor.skip(tag);
    }
    return valueAt;
  }

  private add(builder: PointsBuilder, series: number, value: number): void {
    const { timeMs } = this;
    if (this.wideTimeMs === null) {
      const seconds = Math.floor(timeMs / 1000);
      builder.addFloat(series, value, seconds, (timeMs - seconds * 1000) * 1_000_000);
      this.tally.points++;
      return;
    }
    const timeNs = this.wideTimeNs(this.wideTimeMs);
    if (timeNs === null) return;
    builder.addFloat(series, value, secondsOf(timeNs), nanosOf(timeNs));
    this.tally.points++;
  }

  /** A sample that is no finite number: counted, or kept as its bits. */
  private addSpecial(builder: PointsBuilder, valueAt: number): void {
    const { tally, view } = this;
    const low = view.getInt32(valueAt, true);
    const high = view.getInt32(valueAt + 4, true);
    if (!this.isLossless) {
      if (high === STALE_HIGH && low === STALE_LOW) tally.stale++;
      else if (low !== 0 || (high & FRACTION_HIGH) !== 0) tally.nan++;
      else if (high > 0) tally.positiveInfinity++;
      else tally.negativeInfinity++;
      return;
    }
    const series = this.findBits(builder);
    if (typeof series === 'string') {
      this.refuse(series);
      return;
    }
    const timeNs = this.wideTimeNs(this.wideTimeMs ?? BigInt(this.timeMs));
    if (timeNs === null) return;
    builder.startPoint(series, secondsOf(timeNs), nanosOf(timeNs));
    builder.setInteger(0, view.getBigInt64(valueAt, true));
    tally.points++;
  }

  /** The series of the present names that holds bits, or why there can be none. */
  private findBits(builder: PointsBuilder): number | string {
    const { labels, names, namesAt, namesLength } = this;
    const name = labels.marked(names, namesAt, namesLength, BITS_MARK);
    const found = builder.find(name, 0, name.length, hashKey(name, 0, name.length));
    if (found !== NOT_FOUND) return found;
    const key = seriesKeyOfLabels(names, namesAt, namesAt + namesLength);
    return builder.addSeries(name, { key, fields: bitsFields });
  }

  /** Nanoseconds of a time, wrapped as in InfluxDB; null, and refused, where no point can have it. */
  private wideTimeNs(timeMs: bigint): bigint | null {
    const timeNs = BigInt.asIntN(64, timeMs * 1_000_000n);
    if (timeNs >= TIME_MIN_NS && timeNs <= TIME_MAX_NS) return timeNs;
    this.refuse(`time outside range ${TIME_MIN_NS} - ${TIME_MAX_NS}`);
    return null;
  }

  private refuse(reason: string): void {
    const { tally } = this;
    if (tally.refused++ === 0) tally.refusal = reason;
  }
}

/** The same as hashKey, from words of a view: twice as fast on label sets of 230 bytes. */
function hashViewed(view: DataView, bytes: Uint8Array, start: number, length: number): number {
  let h = KEY_HASH_SEED;
  let p = start;
  const wordsEnd = start + (length & ~3);
  for (; p < wordsEnd; p += 4) {
    h = Math.imul(h ^ view.getInt32(p, true), GOLDEN);
    h = (h << 13) | (h >>> 19);
  }
  let tail = 0;
  for (let i = start + length - 1; i >= p; i--) tail = (tail << 8) | bytes[i]!;
  return finishKeyHash(h, tail);
}

/** Whole seconds of a time, rounded down. */
function secondsOf(timeNs: bigint): number {
  return Number((timeNs - BigInt(nanosOf(timeNs))) / 1_000_000_000n);
}

function nanosOf(timeNs: bigint): number {
  const rest = Number(timeNs % 1_000_000_000n);
  return rest < 0 ? rest + 1_000_000_000 : rest;
}
