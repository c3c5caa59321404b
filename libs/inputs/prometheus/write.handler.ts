/**
 * POST /api/v1/prom/write: remote write 1.0 and 2.0. Order of checks and texts as InfluxDB 1.x; statuses so that Prometheus
 * tries again only what can succeed: 4xx for what will never be stored, 5xx for what may be.
 * @see InfluxDB services/httpd/handler.go servePromWrite
 */
import { messageOf } from '#kernel';
import { PointsBuilder, type ShapeTable } from '#models';
import { InputError } from '../shared/errors.js';
import type { IngestLedger } from '../shared/ingest-ledger.js';
import type { SinkOutcome, SinkWrite } from '../shared/point-sink.js';
import { RefusedPoints } from '../shared/refused-points.js';
import { targetOf } from './body-taker.js';
import { BodyDecompressor } from './body-decompressor.js';
import type { PrometheusRequest, PrometheusResult, PrometheusSink } from './ports.js';
import type { PrometheusConfig } from './prometheus.config.js';
import type { PrometheusStatistics } from './statistics.js';
import { WriteDecoder } from './write-decoder.js';
import { LEFT_OUT, type WriteTally } from './write-tally.js';

/** What the handler stands on. */
export interface WriteHandlerParts {
  readonly config: PrometheusConfig;
  readonly sink: PrometheusSink;
  readonly shapes: ShapeTable;
  readonly ledger: IngestLedger;
  readonly statistics: PrometheusStatistics;
}

/** Databases whose label sets are remembered; the one unused for longest is forgotten first. */
const DATABASES_MAX = 64;
/** Label sets remembered of all of them; about 350 bytes each. */
const SERIES_MAX = 1_000_000;

const V1 = 'prometheus.WriteRequest';
const V2 = 'io.prometheus.write.v2.Request';
const CONSISTENCY_LEVELS = ['', 'any', 'one', 'quorum', 'all'];
const ANSWER_HEADERS = { 'Content-Type': 'application/json' };

/** Answers remote writes. Concurrent calls are fine: reading is synchronous, waiting is not. */
export class WriteHandler {
  private readonly decompressor: BodyDecompressor;
  private readonly decoder: WriteDecoder;
  private readonly refused: RefusedPoints;
  private readonly builders = new Map<string, PointsBuilder>();

  constructor(private readonly parts: WriteHandlerParts) {
    const { decompressedSizeMaxBytes, samplesPerWriteMax, isLossless } = parts.config;
    this.decompressor = new BodyDecompressor(decompressedSizeMaxBytes);
    this.refused = new RefusedPoints(parts.ledger, parts.sink);
    this.decoder = new WriteDecoder(
      { samplesMax: samplesPerWriteMax, labelBytesMax: decompressedSizeMaxBytes },
      isLossless,
    );
  }

  /** @throws InputError, or the sink's error */
  async handle(request: PrometheusRequest): Promise<PrometheusResult> {
    const { statistics } = this.parts;
    const startedMs = performance.now();
    request.count('promWriteReq', 1);
    request.count('writeReq', 1);
    request.count('writeReqActive', 1);
    statistics.writeReq++;
    statistics.bytesRx += request.body.length;
    try {
      return await this.write(request);
    } catch (error) {
      statistics.writeReqFail++;
      throw error;
    } finally {
      request.count('writeReqActive', -1);
      request.count('writeReqDurationNs', Math.round((performance.now() - startedMs) * 1e6));
    }
  }

  private async write(request: PrometheusRequest): Promise<PrometheusResult> {
    const { sink } = this.parts;
    const database = request.parameter('db');
    if (database === '') throw new InputError('inputs.bad-request', 'database is required');
    const known = sink.series(database);
    if (known === null) {
      const quoted = JSON.stringify(database);
      throw new InputError('inputs.not-found', `database not found: ${quoted}`);
    }
    request.authorize('WRITE', database);
    const message = messageOfType(request.header('content-type') ?? '');
    request.count('writeReqBytes', request.body.length);
    const builder = this.builderOf(database);
    const tally = this.decode(request, message === V2, builder);
    const batch = builder.take(known);
    batch.markSource({ listener: 'prometheus', peer: request.peer });
    try {
      if (!CONSISTENCY_LEVELS.includes(request.parameter('consistency').toLowerCase())) {
        this.reject(request, 'consistency', 'invalid consistency level');
        throw new InputError('inputs.bad-request', 'invalid consistency level');
      }
      this.bookLeftOut(tally);
      const retentionPolicy = request.parameter('rp');
      const outcome = await this.store(tally, { database, retentionPolicy, batch });
      return this.answer(request, tally, outcome, message === V2);
    } finally {
      // After a timeout shards may still be at it, but they have copied what they need.
      builder.recycle(batch);
    }
  }

  /** Fills the builder; leaves it empty where that fails. */
  private decode(
    request: PrometheusRequest,
    isVersion2: boolean,
    builder: PointsBuilder,
  ): WriteTally {
    const { decoder, decompressor } = this;
    try {
      const length = decompressor.decompress(request.body);
      this.parts.statistics.bytesDecompressed += length;
      return decoder.decode(decompressor.bytes, length, isVersion2, builder);
    } catch (error) {
      builder.recycle(builder.take(null));
      const typed = typeError(request) ?? error;
      this.reject(
        request,
        typed === error ? 'malformed' : 'unsupported media type',
        messageOf(typed),
      );
      throw typed;
    } finally {
      decompressor.release();
    }
  }

  private reject(request: PrometheusRequest, reason: string, text: string): void {
    const { ledger } = this.parts;
    ledger.receive(1);
    const target = targetOf(request);
    ledger.reject({ reason, text, peer: request.peer, raw: request.body, target });
  }

  private bookLeftOut(tally: WriteTally): void {
    const { ledger, statistics } = this.parts;
    statistics.pointsRx += tally.samples;
    ledger.receive(tally.samples + tally.exemplars + tally.histograms + tally.metadata);
    for (const kind of LEFT_OUT_KINDS) {
      const count = tally[kind];
      if (count === 0) continue;
      statistics[`${kind}Dropped`] += count;
      ledger.refuse(count, LEFT_OUT[kind]);
    }
    if (tally.refused > 0) ledger.refuse(tally.refused, 'label set or time');
  }

  private async store(tally: WriteTally, write: SinkWrite): Promise<SinkOutcome> {
    const { ledger, statistics, sink } = this.parts;
    const { batch } = write;
    batch.areRefusalsWanted = true;
    let outcome: SinkOutcome;
    try {
      outcome = await sink.write(write);
    } catch (error) {
      // The sender is told and keeps them.
      ledger.drop(tally.points, 'write');
      throw error;
    }
    ledger.store(outcome.points);
    statistics.pointsTx += outcome.points;
    // The sender is told, and tells nobody what it was.
    if (outcome.dropped > 0) this.refused.refuse(batch, write, outcome.dropped, outcome.reason);
    return outcome;
  }

  private answer(
    request: PrometheusRequest,
    tally: WriteTally,
    outcome: SinkOutcome,
    isVersion2: boolean,
  ): PrometheusResult {
    const { points, dropped, reason } = outcome;
    request.count('pointsWrittenOK', points);
    request.count('valuesWrittenOK', points);
    request.count('pointsWrittenDropped', dropped);
    request.count('pointsWrittenFail', tally.refused);
    const written = isVersion2 ? writtenHeaders(points) : {};
    const lost = dropped + tally.refused;
    if (lost === 0) return { status: 204, headers: { ...ANSWER_HEADERS, ...written } };
    const text = `partial write: ${reason || tally.refusal} dropped=${lost}`;
    if (!isVersion2) throw new InputError('inputs.bad-request', text);
    return {
      status: 400,
      headers: { ...ANSWER_HEADERS, ...written },
      body: `${JSON.stringify({ error: text })}\n`,
    };
  }

  private builderOf(database: string): PointsBuilder {
    const { builders } = this;
    const known = builders.get(database);
    const builder = known ?? new PointsBuilder(this.parts.shapes, SERIES_MAX);
    // The last one is the one used last.
    builders.delete(database);
    builders.set(database, builder);
    let seriesCount = 0;
    for (const each of builders.values()) seriesCount += each.seriesCount;
    if (builders.size > DATABASES_MAX || (seriesCount > SERIES_MAX && builders.size > 1)) {
      const [oldest = ''] = builders.keys();
      builders.delete(oldest);
    }
    return builder;
  }
}

const LEFT_OUT_KINDS = Object.keys(LEFT_OUT) as (keyof typeof LEFT_OUT)[];

/** The message that a content type says the body is. @throws InputError 415 for one that is neither 1.0's nor 2.0's */
function messageOfType(contentType: string): string {
  const named = /;\s*proto\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? V1;
  if (named === V1 || named === V2) return named;
  throw new InputError(
    'inputs.unsupported-media-type',
    `unsupported protobuf message ${JSON.stringify(named)}; known are ${V1} and ${V2}`,
  );
}

/**
 * What is wrong with the headers of a body that cannot be read. InfluxDB looks at neither, and stores what it can read all the
 * same; so do we.
 */
function typeError(request: PrometheusRequest): InputError | null {
  const type = (request.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
  const encoding = (request.header('content-encoding') ?? '').trim().toLowerCase();
  if (type !== '' && type !== 'application/x-protobuf')
    return unsupported('Content-Type', type, 'application/x-protobuf');
  if (encoding !== '' && encoding !== 'snappy')
    return unsupported('Content-Encoding', encoding, 'snappy');
  return null;
}

function unsupported(header: string, found: string, wanted: string): InputError {
  return new InputError(
    'inputs.unsupported-media-type',
    `unsupported ${header} ${JSON.stringify(found)}, want ${wanted}`,
  );
}

/** What 2.0 wants to know. */
const writtenHeaders = (samples: number): Readonly<Record<string, string>> => ({
  'X-Prometheus-Remote-Write-Samples-Written': String(samples),
  'X-Prometheus-Remote-Write-Histograms-Written': '0',
  'X-Prometheus-Remote-Write-Exemplars-Written': '0',
});
