/**
 * The HTTP half of an OpenTSDB listener: `/api/put`, and what senders ask before they send. Connections come from the listener,
 * which has looked at their first bytes. Answers are InfluxDB's where it has one, else OpenTSDB's.
 * @see http://opentsdb.net/docs/build/html/api_http/put.html
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type Clock, type Logger, messageOf, TidegateError } from '#kernel';
import type { ShapeTable } from '#models';
import { InputError } from '../shared/errors.js';
import { type IngestLedger, UNREPLAYABLE } from '../shared/ingest-ledger.js';
import { LimitedLog } from '../shared/limited-log.js';
import { PeerSources } from '../shared/peer-sources.js';
import type { NameKind, PointSink, SinkOutcome } from '../shared/point-sink.js';
import { PutDecoder, type PutContent, type PutFailure } from './put-decoder.js';
import { readBody } from './request-body.js';

/** Counters of ours, and one of InfluxDB's. */
export interface HttpCounters {
  httpPointsRx: number;
  httpBytesRx: number;
  httpPutFail: number;
  droppedPointsInvalid: number;
}

/** What the HTTP half works with. */
export interface OpentsdbHttpParts {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly bodyBytesMax: number;
  readonly idleTimeoutMs: number;
  readonly sink: PointSink;
  readonly shapes: ShapeTable;
  readonly ledger: IngestLedger;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly arePointErrorsLogged: boolean;
  readonly counters: HttpCounters;
  /** Counters to be shown by `/api/stats`: metric, value. */
  statistics(): readonly (readonly [string, number])[];
  /** Settings to be shown by `/api/config`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Bytes of bodies that one listener keeps at one time; beyond it requests are answered 503. */
export const BODIES_BYTES_MAX = 256 * 1024 * 1024;
const IDLE_TIMEOUT_MS = 120_000;
const HEADER_BYTES_MAX = 16 * 1024;
/** Names that `/api/suggest` answers with unless asked for more. @see OpenTSDB SuggestRpc */
const SUGGESTIONS_DEFAULT = 25;
const SUGGESTIONS_MAX = 25_000;
const SUGGESTED: Readonly<Record<string, NameKind>> = {
  metrics: 'measurements',
  tagk: 'tag-keys',
  tagv: 'tag-values',
};
const JSON_TYPE = 'application/json; charset=UTF-8';
/** The version of OpenTSDB whose API this is. */
const API_VERSION = '2.4.0';

/** Answers requests. */
export class OpentsdbHttp {
  private readonly server: http.Server;
  private readonly decoder: PutDecoder;
  private readonly log: LimitedLog;
  private readonly peers: PeerSources;
  private readonly requests = new Set<Promise<void>>();
  private heldBytes = 0;
  private isClosing = false;

  constructor(private readonly parts: OpentsdbHttpParts) {
    this.decoder = new PutDecoder(parts.shapes);
    this.peers = new PeerSources(parts.ledger.listener);
    this.log = new LimitedLog(parts.logger, parts.clock);
    this.server = http.createServer(
      { maxHeaderSize: HEADER_BYTES_MAX, keepAlive: true },
      (request, response) => this.accept(request, response),
    );
    this.server.timeout = parts.idleTimeoutMs || IDLE_TIMEOUT_MS;
  }

  /** Takes over a connection. */
  serve(socket: Socket): void {
    this.server.emit('connection', socket);
    socket.resume();
  }

  open(): void {
    this.isClosing = false;
  }

  /** Answers new requests with 503, and resolves when those that were read are stored and answered. */
  async close(): Promise<void> {
    this.isClosing = true;
    while (this.requests.size > 0) await Promise.all(this.requests);
  }

  /** Takes a body, or a data point of one, that was rejected before; see Input.replay. */
  replay(body: Uint8Array, peer: string): void {
    const { sink, database, ledger } = this.parts;
    const content = this.decoder.decode(body, true, sink.series(database));
    const { batch, error, datapoints } = content;
    ledger.receive(datapoints);
    if (error !== '') {
      this.decoder.recycle(batch);
      return ledger.reject({ count: datapoints, reason: 'bad JSON', text: error, peer, raw: body });
    }
    this.bookFailures(content, body, peer);
    const points = batch.pointCount;
    if (points === 0) return this.decoder.recycle(batch);
    batch.markSource(this.peers.of(peer));
    const write: Promise<void> = this.write(batch)
      .then(
        (outcome) => {
          ledger.store(outcome.points);
          if (outcome.dropped > 0) ledger.refuse(outcome.dropped, outcome.reason);
        },
        () => ledger.drop(points, 'write'),
      )
      .finally(() => {
        this.requests.delete(write);
        this.decoder.recycle(batch);
      });
    this.requests.add(write);
  }

  private accept(request: IncomingMessage, response: ServerResponse): void {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    // The API's version may be named.
    const route = path.replace(/^\/api\/v1\//, '/api/');
    const parameters = new URLSearchParams(query);
    if (route === '/api/put') this.put(request, response, parameters);
    else this.answerProbe(route, request, response, parameters);
  }

  private put(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    if (request.method !== 'POST') return sendText(response, 405, 'Method Not Allowed');
    if (this.isClosing) return sendText(response, 503, 'closing');
    let held = 0;
    const served = readBody(request, this.parts.bodyBytesMax, (bytes) => {
      if (this.heldBytes + bytes > BODIES_BYTES_MAX) return false;
      held += bytes;
      this.heldBytes += bytes;
      return true;
    })
      .then((body) => {
        const write = this.store(body, request, response, query);
        this.requests.add(write);
        return write.finally(() => this.requests.delete(write));
      })
      .catch((error: unknown) => this.refuse(error, request, response))
      .finally(() => (this.heldBytes -= held));
    void served;
  }

  /** Answers for a body that cannot be taken. */
  private refuse(error: unknown, request: IncomingMessage, response: ServerResponse): void {
    const { counters, ledger } = this.parts;
    const text = messageOf(error);
    const code = error instanceof TidegateError ? error.code : '';
    counters.httpPutFail++;
    const raw = Buffer.from(text);
    ledger.receive(1);
    const target = { [UNREPLAYABLE]: 'the body is not kept' };
    ledger.reject({ reason: 'body not readable', text, peer: peerOf(request), raw, target });
    if (code === 'inputs.body-too-large') response.shouldKeepAlive = false;
    sendText(response, STATUS_OF[code] ?? 400, text);
  }

  private async store(
    body: Uint8Array,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): Promise<void> {
    const { sink, database, counters, ledger } = this.parts;
    const isDetailed = query.has('details') || query.has('summary');
    const content = this.decoder.decode(body, isDetailed, sink.series(database));
    const { batch, error, datapoints, failed } = content;
    counters.httpPointsRx += datapoints;
    counters.httpBytesRx += body.length;
    ledger.receive(datapoints);
    const peer = peerOf(request);
    if (error !== '') {
      this.decoder.recycle(batch);
      counters.httpPutFail++;
      ledger.reject({ count: datapoints, reason: 'bad JSON', text: error, peer, raw: body });
      return sendText(response, 400, error);
    }
    this.bookFailures(content, body, peer);
    batch.markSource(this.peers.of(peer));
    let outcome: SinkOutcome = { points: 0, dropped: 0, reason: '' };
    const points = batch.pointCount;
    try {
      if (points > 0) outcome = await this.write(batch);
    } catch (thrown) {
      this.decoder.recycle(batch);
      const text = messageOf(thrown);
      counters.httpPutFail++;
      ledger.drop(points, 'write');
      this.parts.logger.info('Write series error', { error: text });
      return sendText(response, 500, `write series error: ${text}`);
    }
    ledger.store(outcome.points);
    if (outcome.dropped > 0) ledger.refuse(outcome.dropped, outcome.reason);
    if (isDetailed) {
      const failures = [...content.failures, ...refusalsOf(content)];
      const totals = { success: outcome.points, failed: failed + outcome.dropped };
      sendDetails(response, query.has('details') ? failures : null, totals, body);
    } else if (outcome.dropped > 0) {
      const text = `partial write: ${outcome.reason} dropped=${outcome.dropped}`;
      this.log.info('Write series error', { error: text });
      sendText(response, 500, `write series error: ${text}`);
    } else {
      response.writeHead(204).end();
    }
    this.decoder.recycle(batch);
  }

  private async write(batch: PutContent['batch']): Promise<SinkOutcome> {
    const { sink, database, retentionPolicy } = this.parts;
    if (batch.seriesSource !== null && batch.seriesSource !== sink.series(database)) {
      throw new InputError('inputs.database-dropped', 'database dropped while writing');
    }
    await sink.ensureDatabase(database, '');
    return sink.write({ database, retentionPolicy, batch });
  }

  private bookFailures({ failures, failed }: PutContent, body: Uint8Array, peer: string): void {
    if (failed === 0) return;
    const { counters, ledger, arePointErrorsLogged } = this.parts;
    counters.droppedPointsInvalid += failed;
    const shown = failures.slice(0, FAILURES_BOOKED);
    for (const { start, end, text } of shown) {
      ledger.reject({ reason: REJECTED, text, peer, raw: body.subarray(start, end) });
    }
    if (failed > shown.length) ledger.refuse(failed - shown.length, REJECTED);
    if (arePointErrorsLogged) {
      this.log.info('Dropping point', { error: shown[0]?.text ?? '', remote_addr: peer });
    }
  }

  private answerProbe(
    route: string,
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): void {
    const { parts } = this;
    request.resume();
    switch (route) {
      case '/api/metadata/put':
        response.writeHead(204).end();
        return;
      case '/api/version':
      case '/version':
        return sendJson(response, 200, versionInfo());
      case '/api/suggest':
        return this.suggest(request, response, query);
      case '/api/config':
        return sendJson(response, 200, parts.settings);
      case '/api/aggregators':
        // Queries are not answered here, so there are none.
        return sendJson(response, 200, []);
      case '/api/stats': {
        const timestamp = Math.floor(Number(parts.clock.nowNs() / 1_000_000_000n));
        const tags = { database: parts.database };
        const lines = parts
          .statistics()
          .map(([metric, value]) => ({ metric, timestamp, value: String(value), tags }));
        return sendJson(response, 200, lines);
      }
      default:
        return sendText(response, 404, '404 page not found');
    }
  }

  private suggest(
    request: IncomingMessage,
    response: ServerResponse,
    query: URLSearchParams,
  ): void {
    if (request.method !== 'GET') return sendText(response, 405, 'Method Not Allowed');
    const type = query.get('type') ?? '';
    const kind = SUGGESTED[type];
    if (kind === undefined) {
      const message = type === '' ? "Missing parameter 'type'" : `Invalid 'type' parameter:${type}`;
      return sendJson(response, 400, { error: { code: 400, message } });
    }
    const wanted = Number(query.get('max') ?? SUGGESTIONS_DEFAULT);
    const max = wanted > 0 ? Math.min(SUGGESTIONS_MAX, Math.floor(wanted)) : SUGGESTIONS_DEFAULT;
    const { sink, database } = this.parts;
    sendJson(response, 200, sink.names(database, kind, query.get('q') ?? '', max));
  }
}

const REJECTED = 'bad data point';
/** Failures of one body that are shown as offenders and kept; the others are counted. */
const FAILURES_BOOKED = 16;

/** By code of InputError. */
const STATUS_OF: Readonly<Record<string, number>> = {
  'inputs.body-too-large': 413,
  'inputs.bodies-too-large': 503,
};

const peerOf = ({ socket }: IncomingMessage): string =>
  `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`;

/** What storage refused, by data point. */
function refusalsOf({ batch, ends }: PutContent): readonly PutFailure[] {
  const { lineStarts, refusals } = batch;
  if (lineStarts === null || ends === null) return [];
  return refusals.map(({ pointNumber, reason }) => ({
    start: lineStarts[pointNumber],
    end: ends[pointNumber],
    text: reason,
  }));
}

/** Same as Go's http.Error. */
function sendText(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
    })
    .end(`${text}\n`);
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': JSON_TYPE }).end(JSON.stringify(body));
}

/** Answers as OpenTSDB does for `details` (with the failures) and `summary`. */
function sendDetails(
  response: ServerResponse,
  failures: readonly PutFailure[] | null,
  totals: { readonly success: number; readonly failed: number },
  body: Uint8Array,
): void {
  const errors = failures?.map(({ start, end, text }) => ({
    error: text,
    datapoint: datapointOf(body.subarray(start, end)),
  }));
  const { success, failed } = totals;
  sendJson(response, failed === 0 ? 200 : 400, { errors, failed, success });
}

function datapointOf(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.subarray(0, DATAPOINT_SHOWN_BYTES)).toString('utf8');
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const DATAPOINT_SHOWN_BYTES = 64 * 1024;

const versionInfo = (): object => ({
  version: API_VERSION,
  host: '',
  repo: 'tidegate',
  repo_status: 'MINT',
  short_revision: '',
  full_revision: '',
  timestamp: '0',
  user: '',
});
