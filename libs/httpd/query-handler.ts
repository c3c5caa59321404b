/** GET and POST /query: InfluxQL in, results out. Parameters, order of checks and texts as InfluxDB 1.x. */
import { type Logger, messageOf } from '#kernel';
import { ParseError, parseQuery, type Statement, type StatementExtension } from '#influxql';
import type { Authenticator, Identity } from './authenticator.js';
import { readBody } from './body-reader.js';
import type { BufferPool } from './buffer-pool.js';
import { HttpError } from './errors.js';
import type { Exchange } from './exchange.js';
import { JsonEncoder } from './json-encoder.js';
import { parseParameters } from './json-parameters.js';
import { parseMultipart } from './multipart.js';
import type { QueryEvent, QueryRequest, QueryService } from './ports.js';
import { writeChunks, writeDocument } from './response-writer.js';
import { ResponseStream } from './response-stream.js';
import type { ResultEncoder } from './result-encoder.js';
import type { HttpdStatistics } from './statistics.js';
import { UrlValues } from './url-values.js';

/** What the handler stands on. */
export interface QueryHandlerParts {
  readonly queries: QueryService;
  readonly authenticator: Authenticator;
  readonly pool: BufferPool;
  readonly statistics: HttpdStatistics;
  readonly logger: Logger;
  readonly bodySizeMaxBytes: number;
  /** Rows an answer that is not chunked may have; 0 for no limit. */
  readonly rowsMax: number;
  readonly extensions: readonly StatementExtension[];
  /** Bytes of answers by user, with `user-query-bytes-enabled`; else null. */
  readonly bytesByUser: Map<string, number> | null;
}

/** Rows of a chunk where the client does not say. Same as InfluxDB 1.x. */
const CHUNK_ROWS_DEFAULT = 10_000;

/** Status and headers go out after so long when there is nothing else to send. */
const FLUSH_HEADERS_MS = 20;

/** Under which queries without a user are counted. Same as InfluxDB 1.8. */
const ANONYMOUS = '(anonymous)';

/** How events become an answer. */
interface AnswerParts {
  readonly encoder: ResultEncoder;
  readonly stream: ResponseStream;
  /** Rows of a chunk; 0 for an answer in one piece. */
  readonly chunkRows: number;
}

/** Answers queries. */
export class QueryHandler {
  constructor(private readonly parts: QueryHandlerParts) {}

  /** Serves a query. @throws HttpError for a request that cannot be run */
  async serve(exchange: Exchange, identity: Identity): Promise<void> {
    const { statistics } = this.parts;
    statistics.queryReq++;
    const startedMs = performance.now();
    try {
      await this.answer(exchange, identity);
    } finally {
      statistics.queryReqDurationNs += Math.round((performance.now() - startedMs) * 1e6);
    }
  }

  private async answer(exchange: Exchange, identity: Identity): Promise<void> {
    const { authenticator } = this.parts;
    const form = await this.readForm(exchange);
    // A form's value wins over the URL's.
    const value = (name: string): string =>
      form?.has(name) === true ? form.get(name) : exchange.url.get(name);
    const text = value('q').trim();
    if (text === '') throw HttpError.missingQuery();
    const statements = this.parse(text, value('params'));
    const database = value('db');
    const runnable = authenticator.authorizeQuery(identity, statements, database);
    const isChunked = value('chunked') === 'true';
    const chunkRows = isChunked ? chunkRowsOf(value('chunk_size')) : 0;
    const stop = new AbortController();
    let stream: ResponseStream | null = null;
    const request: QueryRequest = {
      onInterrupted: () => stream?.stopWaiting(),
      statements: statements.slice(0, runnable),
      database,
      retentionPolicy: value('rp'),
      isReadOnly: exchange.request.method === 'GET' || exchange.request.method === 'HEAD',
      chunkRows,
      user: identity.kind === 'user' ? identity.user : null,
      signal: stop.signal,
    };
    if (value('async') === 'true') {
      this.runInBackground(request);
      exchange.response.setHeader('Content-Type', 'application/json');
      exchange.sendEmpty(204);
      return;
    }
    if (exchange.response.destroyed) stop.abort();
    // Also told of the end of a whole answer, when there is nothing left to stop.
    exchange.response.on('close', () => {
      if (!exchange.response.writableFinished) stop.abort();
    });
    const events =
      runnable === statements.length
        ? this.parts.queries.run(request)
        : this.run(request, statements, exchange);
    const encoder = exchange.encoder(value('epoch'));
    stream = new ResponseStream(exchange.response, {
      isGzip: exchange.acceptsGzip,
      isPretty: exchange.isPretty && encoder instanceof JsonEncoder,
    });
    await this.send(exchange, events, { encoder, stream, chunkRows });
    const { bytesByUser } = this.parts;
    const name = request.user?.name ?? ANONYMOUS;
    bytesByUser?.set(name, (bytesByUser.get(name) ?? 0) + stream.bytesWritten);
  }

  private async readForm(exchange: Exchange): Promise<UrlValues | null> {
    const { request } = exchange;
    if (request.method !== 'POST') return null;
    const type = exchange.contentType;
    const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(type);
    const isMultipart = /^multipart\/form-data\s*(;|$)/i.test(type);
    if (!isForm && !isMultipart) return null;
    const body = await readBody(request, this.parts.pool, this.parts.bodySizeMaxBytes);
    try {
      const bytes = body.buffer.subarray(0, body.length);
      return isForm
        ? UrlValues.parse(
            Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'),
          )
        : parseMultipart(type, bytes);
    } finally {
      body.release();
    }
  }

  private parse(text: string, parameters: string): readonly Statement[] {
    const bound = parseParameters(parameters);
    try {
      return parseQuery(text, { parameters: bound, extensions: this.parts.extensions });
    } catch (error) {
      if (error instanceof ParseError) throw HttpError.badParse(error.message, error);
      // An expression of very many terms, which no parenthesis gave away to the parser.
      if (error instanceof RangeError)
        throw HttpError.badParse('query is nested too deeply', error);
      throw error;
    }
  }

  /** The statements' events. After the one that makes the first administrator, the rest needs credentials of its own. */
  private async *run(
    request: QueryRequest,
    statements: readonly Statement[],
    exchange: Exchange,
  ): AsyncIterable<QueryEvent> {
    yield* this.parts.queries.run(request);
    const first = request.statements.length;
    if (first === statements.length) return;
    const rest = statements.slice(first);
    try {
      const { authenticator } = this.parts;
      const identity = await authenticator.identify(
        exchange.url,
        exchange.request.headers.authorization,
      );
      authenticator.authorizeQuery(identity, rest, request.database);
      const user = identity.kind === 'user' ? identity.user : null;
      for await (const event of this.parts.queries.run({ ...request, statements: rest, user })) {
        yield { ...event, statementId: event.statementId + first };
      }
    } catch (error) {
      yield { kind: 'end', statementId: first, error: messageOf(error), messages: [] };
    }
  }

  private async send(
    exchange: Exchange,
    events: AsyncIterable<QueryEvent>,
    { encoder, stream, chunkRows }: AnswerParts,
  ): Promise<void> {
    const { response } = exchange;
    response.statusCode = 200;
    response.setHeader('Content-Type', encoder.contentType);
    // A client learns early that its query was accepted, but a quick answer goes out in one piece.
    const flush = setTimeout(() => response.flushHeaders(), FLUSH_HEADERS_MS);
    try {
      if (chunkRows > 0) await writeChunks(events, encoder, stream, chunkRows);
      else await writeDocument(events, encoder, stream, this.parts.rowsMax);
    } catch (error) {
      // The status is out; all that is left is to break the body off so that the client notices.
      this.parts.logger.error('Answer to a query broke off', {
        error: messageOf(error),
        requestId: exchange.requestId,
      });
      response.destroy();
      return;
    } finally {
      clearTimeout(flush);
      exchange.responseBytes = stream.bytesWritten;
      this.parts.statistics.queryRespBytes += stream.bytesWritten;
    }
    stream.end();
  }

  private runInBackground(request: QueryRequest): void {
    const { queries, logger } = this.parts;
    const run = async (): Promise<void> => {
      for await (const event of queries.run(request)) {
        if (event.kind === 'end' && event.error !== null) {
          logger.info('Asynchronous query failed', {
            error: event.error,
            statementId: event.statementId,
          });
        }
      }
    };
    run().catch((error: unknown) =>
      logger.error('Asynchronous query failed', { error: messageOf(error) }),
    );
  }
}

function chunkRowsOf(text: string): number {
  const rows = /^\d+$/.test(text) ? Number(text) : 0;
  return rows > 0 && Number.isSafeInteger(rows) ? rows : CHUNK_ROWS_DEFAULT;
}
