/**
 * One request and its answer, in the form that all handlers share: headers that every answer has, errors in 1.x's shape,
 * what the access log and the counters need.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '#kernel';
import { JsonEncoder } from './json-encoder.js';
import { JsonIndenter } from './json-indenter.js';
import { CsvEncoder } from './csv-encoder.js';
import { MsgpackEncoder } from './msgpack-encoder.js';
import type { ResultEncoder } from './result-encoder.js';
import { retryAfterSecondsOf, statusOf } from './status-table.js';
import { epochUnitNs } from './time-format.js';
import { UrlValues } from './url-values.js';

/** Longest X-Influxdb-Error. Same as InfluxDB 1.x. */
const ERROR_HEADER_MAX_BYTES = 1024;

/** A request under way. */
export class Exchange {
  readonly url: UrlValues;
  /** Name of the user, for the log; '' for none. */
  username = '';
  /** Bytes of the answer's body. */
  responseBytes = 0;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly requestId: string,
  ) {
    this.url = UrlValues.ofTarget(request.url ?? '');
  }

  /** Address of the client, without its port; '' where not known. */
  get peer(): string {
    return (this.request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  }

  /** Who asks: the address, and the user where known. */
  get sender(): string {
    return this.username === '' ? this.peer : `${this.username}@${this.peer}`;
  }

  get isPretty(): boolean {
    return this.url.get('pretty') === 'true';
  }

  get acceptsGzip(): boolean {
    return (this.request.headers['accept-encoding'] ?? '').includes('gzip');
  }

  /** The content type as the client sent it, well-formed or not; '' for none. */
  get contentType(): string {
    const { rawHeaders } = this.request;
    for (let i = 0; i < rawHeaders.length; i += 2) {
      if (rawHeaders[i].toLowerCase() === 'content-type') return rawHeaders[i + 1];
    }
    return '';
  }

  /** The format the client prefers, with times in the unit it named. */
  encoder(epoch: string): ResultEncoder {
    const unitNs = epochUnitNs(epoch);
    // A type alone; lists and weights get JSON. Same as InfluxDB 1.x.
    switch (this.request.headers.accept) {
      case 'application/csv':
      case 'text/csv':
        return new CsvEncoder(unitNs);
      case 'application/x-msgpack':
        return new MsgpackEncoder(unitNs);
      default:
        return new JsonEncoder(unitNs);
    }
  }

  /** An answer without a body. */
  sendEmpty(status: number): void {
    this.response.statusCode = status;
    if (status !== 204) this.response.setHeader('Content-Length', '0');
    this.response.end();
  }

  /** A whole body. */
  send(status: number, contentType: string, body: Uint8Array | string): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.response.statusCode = status;
    this.response.setHeader('Content-Type', contentType);
    this.response.setHeader('Content-Length', bytes.length);
    this.responseBytes = bytes.length;
    if (this.request.method === 'HEAD') this.response.end();
    else this.response.end(bytes);
  }

  /** Whatever was thrown, as 1.x answers it: `{"error":…}` in the client's format. */
  sendError(thrown: unknown, realm: string): void {
    if (this.response.headersSent) {
      this.response.destroy();
      return;
    }
    const status = statusOf(thrown);
    const message = messageOf(thrown);
    if (status === 401)
      this.response.setHeader('WWW-Authenticate', `Basic realm=${JSON.stringify(realm)}`);
    else this.response.setHeader('X-Influxdb-Error', headerText(message));
    const retryAfter = retryAfterSecondsOf(thrown);
    if (retryAfter !== undefined) this.response.setHeader('Retry-After', retryAfter);
    const encoder = this.encoder('');
    const compact = encoder.errorDocument(message);
    const isIndented = this.isPretty && encoder instanceof JsonEncoder;
    this.send(
      status,
      encoder.contentType,
      isIndented ? new JsonIndenter().indent(compact) : compact,
    );
  }
}

/** A message as a header's value: control characters become spaces, and only so much of it. */
function headerText(message: string): string {
  const bytes = Buffer.from(message.replace(/[\u0000-\u001f\u007f]/g, ' '), 'utf8').subarray(
    0,
    ERROR_HEADER_MAX_BYTES,
  );
  return bytes.toString('latin1');
}
