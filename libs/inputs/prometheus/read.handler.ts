/**
 * POST /api/v1/prom/read: remote read. One query a request, with InfluxDB's texts; the answer in one piece or, for clients that
 * say they understand it, as a stream of chunks. Reads wait their turn, work in turns, and end with their client.
 * @see InfluxDB services/httpd/handler.go servePromRead
 */
import { InputError } from '../shared/errors.js';
import { BodyDecompressor } from './body-decompressor.js';
import { ChunkedAnswer } from './chunked-answer.js';
import { compileMatchers, type SeriesMatchers } from './label-matchers.js';
import { CANCELLED, Pace } from './pace.js';
import type { PrometheusRequest, PrometheusResult, ReadRange, SeriesReader } from './ports.js';
import type { PrometheusConfig } from './prometheus.config.js';
import { ReadGate } from './read-gate.js';
import { decodeReadRequest, type ReadQuery, type ResponseType } from './read-request.js';
import { SampleReader } from './sample-reader.js';
import { SamplesAnswer } from './samples-answer.js';
import { ReadBudget, type ScannedSeries, scanSeries } from './series-scan.js';
import type { PrometheusStatistics } from './statistics.js';

/** What the handler stands on. */
export interface ReadHandlerParts {
  readonly config: PrometheusConfig;
  readonly reader: SeriesReader;
  readonly statistics: PrometheusStatistics;
  /** Whether who reads must have READ on the database. */
  readonly isAuthorized: boolean;
}

/** Bytes of a read's body as sent. */
export const READ_BODY_MAX_BYTES = 1024 * 1024;
const MIN_NS = -9223372036854775806n;
const MAX_NS = 9223372036854775806n;

const SAMPLES_HEADERS = {
  'Content-Type': 'application/x-protobuf',
  'Content-Encoding': 'snappy',
};
const STREAMED_HEADERS = {
  'Content-Type': 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse',
};

/** A query ready to run. */
interface PreparedRead {
  readonly source: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly range: ReadRange;
  };
  readonly matchers: SeriesMatchers;
  /** True where only labels are wanted. */
  readonly isOneEnough: boolean;
  readonly responseType: ResponseType;
}

/** A series to be answered. */
interface ReadSeries {
  readonly series: ScannedSeries;
  readonly samples: SampleReader;
  readonly pace: Pace;
}

/** Answers remote reads. */
export class ReadHandler {
  private readonly gate: ReadGate;
  private readonly decompressor: BodyDecompressor;

  constructor(private readonly parts: ReadHandlerParts) {
    this.gate = new ReadGate(parts.config.readsMax, parts.statistics);
    this.decompressor = new BodyDecompressor(parts.config.decompressedSizeMaxBytes);
  }

  /** @throws InputError */
  async handle(request: PrometheusRequest): Promise<PrometheusResult> {
    const { statistics } = this.parts;
    request.count('promReadReq', 1);
    statistics.readReq++;
    try {
      const read = this.prepare(request);
      if (read.responseType === 'streamed-xor-chunks')
        return { status: 200, headers: STREAMED_HEADERS, body: this.stream(read, request.signal) };
      const body = await this.whole(read, request.signal);
      statistics.readRespBytes += body.length;
      return { status: 200, headers: SAMPLES_HEADERS, body };
    } catch (error) {
      this.countFailure(error);
      throw error;
    }
  }

  private prepare(request: PrometheusRequest): PreparedRead {
    const { reader } = this.parts;
    const database = request.parameter('db');
    if (database === '' || !reader.hasDatabase(database))
      throw new InputError('inputs.bad-request', 'no database');
    if (this.parts.isAuthorized) request.authorize('READ', database);
    const retentionPolicy = request.parameter('rp');
    if (!reader.hasRetentionPolicy(database, retentionPolicy))
      throw new InputError('inputs.bad-request', 'invalid retention policy');
    const length = this.decompressor.decompress(request.body);
    const { queries, responseTypes } = decodeReadRequest(this.decompressor.bytes, length);
    this.decompressor.release();
    const [query] = queries;
    if (query === undefined || queries.length > 1) {
      throw new InputError(
        'inputs.bad-request',
        'Prometheus read endpoint currently only supports one query at a time',
      );
    }
    return {
      source: { database, retentionPolicy, range: rangeOf(query) },
      matchers: compileMatchers(query.matchers),
      isOneEnough: query.func === 'series',
      responseType: responseTypes[0] ?? 'samples',
    };
  }

  private async whole(read: PreparedRead, signal: AbortSignal): Promise<Uint8Array> {
    const { config } = this.parts;
    const budget = this.newBudget();
    const answer = new SamplesAnswer(budget, config.responseSizeMaxBytes);
    for await (const { series, samples, pace } of this.series(read, budget, signal)) {
      answer.start(series);
      do {
        answer.addSamples(samples, read.isOneEnough ? 1 : samples.count);
        if (pace.isTurnOver) await pace.rest();
      } while (!read.isOneEnough && samples.next());
      answer.end();
    }
    return answer.finish();
  }

  private async *stream(read: PreparedRead, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { statistics } = this.parts;
    const budget = this.newBudget();
    const answer = new ChunkedAnswer(budget);
    try {
      for await (const { series, samples, pace } of this.series(read, budget, signal)) {
        answer.start(series);
        let frame: Uint8Array | null;
        do {
          frame = answer.addSamples(samples, read.isOneEnough ? 1 : samples.count);
          if (frame !== null) {
            statistics.readRespBytes += frame.length;
            yield frame;
          }
          if (pace.isTurnOver) await pace.rest();
        } while (!read.isOneEnough && samples.next());
        frame = answer.end();
        if (frame === null) continue;
        statistics.readRespBytes += frame.length;
        yield frame;
      }
    } catch (error) {
      this.countFailure(error);
      throw error;
    }
  }

  private newBudget(): ReadBudget {
    const { seriesPerReadMax, samplesPerReadMax } = this.parts.config;
    return new ReadBudget(seriesPerReadMax, samplesPerReadMax);
  }

  /** The series that have samples, each with the first batch of them read. */
  private async *series(
    read: PreparedRead,
    budget: ReadBudget,
    signal: AbortSignal,
  ): AsyncGenerator<ReadSeries> {
    const { config, reader, statistics } = this.parts;
    const { source, matchers } = read;
    const pace = new Pace(signal, config.readTimeoutMs);
    await this.gate.enter(pace, signal);
    try {
      if (source.range.minNs > source.range.maxNs) return;
      const view = reader.view(source);
      const samples = new SampleReader(source.range);
      try {
        for await (const series of scanSeries({ view, matchers, pace, statistics })) {
          samples.start(series.measurement, series.shards, series.seriesId);
          if (!samples.next()) continue;
          budget.addSeries();
          yield { series, samples, pace };
        }
      } finally {
        samples.close();
        view.close();
        statistics.readSeries += budget.series;
        statistics.readSamples += budget.samples;
      }
    } finally {
      if (signal.aborted) statistics.readReqCancelled++;
      this.gate.leave();
    }
  }

  private countFailure(error: unknown): void {
    const isCancelled = error instanceof InputError && error.code === CANCELLED;
    if (!isCancelled) this.parts.statistics.readReqFail++;
  }
}

/** The nanoseconds of a query's range. Bounds of 0 and below are open, and products wrap: same as InfluxDB 1.x. */
function rangeOf({ startMs, endMs }: ReadQuery): ReadRange {
  const minNs = BigInt.asIntN(64, startMs * 1_000_000n);
  const maxNs = BigInt.asIntN(64, endMs * 1_000_000n);
  return { minNs: minNs <= 0n ? MIN_NS : minNs, maxNs: maxNs <= 0n ? MAX_NS : maxNs };
}
