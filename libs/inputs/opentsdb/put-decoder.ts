/**
 * Bodies of `/api/put` into batches, one each: an array of data points, or one. A series seen before is found by the bytes of its
 * tags and metric as they were sent. @see InfluxDB services/opentsdb/handler.go, servePut
 */
import {
  hashKey,
  KEY_LENGTH_MAX,
  type KnownSeries,
  type PointsBatch,
  PointsBuilder,
} from '#models';
import type { ShapeTable } from '#models';
import { fromBinary } from '../shared/go-text.js';
import { DatapointReader } from './datapoint-reader.js';
import { nameSeries } from './series-name.js';

/** A data point that is not stored. */
export interface PutFailure {
  /** Its bytes in the body. */
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What a body holds. */
export interface PutContent {
  /** Give it back with {@link PutDecoder.recycle}. Empty where the body is refused. */
  readonly batch: PointsBatch;
  /** Why the body as a whole cannot be read, in InfluxDB's words; '' where it can. */
  readonly error: string;
  /** Data points that were read, good or not. */
  readonly datapoints: number;
  /** Those that are no good; the first {@link FAILURES_KEPT} are listed. */
  readonly failed: number;
  readonly failures: readonly PutFailure[];
  /** Ends of the good ones, by number; where they start stands in the batch. Null unless asked for. */
  readonly ends: Int32Array | null;
}

/** Failures of one body that are told one by one. */
export const FAILURES_KEPT = 1000;
/** @see InfluxDB models.CheckTime */
const TIME_REFUSED = 'time outside range -9223372036854775806 - 9223372036854775806';
/** Times from here on are milliseconds. Same as InfluxDB 1.x. */
const MS_FROM = 10_000_000_000;
const SECONDS_MIN = -9223372036;
const SECONDS_MAX = 9223372035;

const ARRAY = 91;
const ARRAY_END = 93;
const OBJECT = 123;
const COMMA = 44;

/** Reads bodies, one at a time. */
export class PutDecoder {
  private readonly builder: PointsBuilder;
  private readonly reader = new DatapointReader();
  private readonly name = new Uint8Array(2 * KEY_LENGTH_MAX);
  private body: Uint8Array = new Uint8Array(0);
  private datapoints = 0;
  private failed = 0;
  private failures: PutFailure[] = [];
  private starts: Int32Array | null = null;
  private ends: Int32Array | null = null;

  constructor(shapes: ShapeTable) {
    this.builder = new PointsBuilder(shapes);
  }

  /**
   * Reads a body.
   * @param isDetailed whether every data point is answered for: then one that cannot be read costs itself, where it costs the
   * whole body otherwise, as in InfluxDB
   * @param known the series of the database, null where there is none yet
   */
  decode(body: Uint8Array, isDetailed: boolean, known: KnownSeries | null): PutContent {
    this.body = body;
    this.reader.start(body);
    this.datapoints = this.failed = 0;
    this.failures = [];
    this.starts = isDetailed ? new Int32Array(256) : null;
    this.ends = isDetailed ? new Int32Array(256) : null;
    const error = this.readBody(isDetailed);
    const batch = this.builder.take(known);
    if (error !== '') batch.clear();
    else batch.lineStarts = this.starts;
    const { datapoints, failed, failures, ends } = this;
    this.body = new Uint8Array(0);
    this.reader.start(this.body);
    return { batch, error, datapoints, failed, failures, ends };
  }

  recycle(batch: PointsBatch): void {
    this.builder.recycle(batch);
  }

  private readBody(isDetailed: boolean): string {
    const { body, reader } = this;
    if (body.length === 0) return 'peek error: EOF';
    if (body[0] === OBJECT) {
      const end = reader.read(0);
      if (end < 0) return this.broken('json object decode error');
      this.add(0, end);
      return '';
    }
    if (body[0] !== ARRAY) return this.broken('expected JSON array or hash');
    let p = reader.skipSpace(1);
    if (body[p] === ARRAY_END) return '';
    for (;;) {
      const start = p;
      p = reader.read(start);
      if (p >= 0) {
        this.add(start, p);
      } else {
        p = isDetailed ? reader.skipValue(start) : -1;
        if (p < 0) return this.broken('json array decode error');
        this.fail(start, p, 'Unable to parse the data point');
      }
      p = reader.skipSpace(p);
      if (body[p] === ARRAY_END) return '';
      if (body[p] !== COMMA) return this.broken('json array decode error');
      p = reader.skipSpace(p + 1);
    }
  }

  private broken(text: string): string {
    this.datapoints++;
    return text;
  }

  private fail(start: number, end: number, text: string): void {
    this.datapoints++;
    this.failed++;
    if (this.failures.length < FAILURES_KEPT) this.failures.push({ start, end, text });
  }

  /** Adds the data point read last. */
  private add(start: number, end: number): void {
    const { timestamp, value } = this.reader;
    let seconds = timestamp;
    let nanos = 0;
    if (timestamp >= MS_FROM) {
      seconds = Math.floor(timestamp / 1000);
      nanos = (timestamp - seconds * 1000) * 1e6;
    }
    if (seconds < SECONDS_MIN || seconds > SECONDS_MAX) return this.fail(start, end, TIME_REFUSED);
    const series = this.series();
    if (typeof series === 'string') return this.fail(start, end, series);
    this.datapoints++;
    const { builder } = this;
    if (this.starts !== null && this.ends !== null) {
      const number = builder.pointCount;
      if (number === this.starts.length) {
        this.starts = wider(this.starts);
        this.ends = wider(this.ends);
      }
      this.starts[number] = start;
      this.ends[number] = end;
    }
    builder.addFloat(series, value, seconds, nanos);
  }

  /** The number of the series of the data point read last, or why it has none. */
  private series(): number | string {
    const { reader, builder, name } = this;
    const { metricStart, metricEnd, tagsStart, tagsEnd } = reader;
    const tagsLength = Math.max(2, tagsEnd - tagsStart);
    const length = tagsLength + metricEnd - metricStart;
    if (metricEnd === metricStart) return 'missing measurement';
    if (length > name.length) return `max key length exceeded: ${length} > ${KEY_LENGTH_MAX}`;
    // Tags are balanced braces, so that no metric can be taken for a part of them.
    if (tagsEnd > 0) name.set(this.body.subarray(tagsStart, tagsEnd));
    else name.set(NO_TAGS);
    name.set(this.body.subarray(metricStart, metricEnd), tagsLength);
    const known = builder.find(name, 0, length, hashKey(name, 0, length));
    if (known >= 0) return known;
    const { metric, tags } = reader.names();
    const added = builder.addSeries(name.subarray(0, length), nameSeries(metric, tags));
    return typeof added === 'number' ? added : fromBinary(added);
  }
}

const NO_TAGS = Uint8Array.of(123, 125);

function wider(from: Int32Array): Int32Array<ArrayBuffer> {
  const to = new Int32Array(from.length * 2);
  to.set(from);
  return to;
}
