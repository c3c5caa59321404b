/**
 * The request log in InfluxDB 1.x's form (combined log format, request id, microseconds). Lines are gathered and written
 * together, so that logging costs a request no system call.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Exchange } from './exchange.js';

/** What the log stands on. */
export interface AccessLogOptions {
  /** File; '' for standard error. */
  readonly path: string;
  /** Patterns such as `4xx` or `50X`; none logs all. */
  readonly statusFilters: readonly string[];
  readonly isWriteLogSuppressed: boolean;
}

/** How long lines may wait. */
const FLUSH_AFTER_MS = 100;
/** Characters from which on they do not wait. */
const FLUSH_LENGTH = 64 * 1024;
/** Characters that may wait while the file does not take them; further lines are dropped. */
const PENDING_MAX = 16 * 1024 * 1024;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Writes a line for each request. */
export class AccessLog {
  private readonly filters: readonly RegExp[];
  private stream: WriteStream | null = null;
  private lines = '';
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: AccessLogOptions) {
    this.filters = options.statusFilters.map(
      (pattern) => new RegExp(`^${pattern.replaceAll(/x/gi, '\\d')}$`),
    );
  }

  open(): void {
    if (this.options.path !== '')
      this.stream ??= createWriteStream(this.options.path, { flags: 'a' });
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    this.flush();
    const { stream } = this;
    this.stream = null;
    if (stream !== null) await new Promise<void>((resolve) => stream.end(resolve));
  }

  /** Adds the line of an answered request. */
  add(exchange: Exchange, startedMs: number, durationMs: number): void {
    const { request, response } = exchange;
    if (this.options.isWriteLogSuppressed && (request.url ?? '').startsWith('/write')) return;
    const status = String(response.statusCode);
    if (this.filters.length > 0 && !this.filters.some((filter) => filter.test(status))) return;
    const host = (request.socket.remoteAddress ?? '-').replace(/^::ffff:/, '');
    const target = redactTarget(request.url ?? '');
    const referer = request.headers.referer ?? '-';
    const agent = request.headers['user-agent'] ?? '-';
    this.lines +=
      `[httpd] ${host} - ${exchange.username || '-'} [${clfTime(startedMs)}] ` +
      `"${request.method} ${target} HTTP/${request.httpVersion}" ${status} ${exchange.responseBytes} ` +
      `"${quoted(referer)}" "${quoted(agent)}" ${exchange.requestId} ${Math.round(durationMs * 1000)}\n`;
    if (this.lines.length >= FLUSH_LENGTH) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref();
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.lines === '') return;
    const target = this.stream ?? process.stderr;
    if (target.writableLength < PENDING_MAX) target.write(this.lines);
    this.lines = '';
  }
}

const quoted = (text: string): string => text.replace(/["\\]/g, '\\$&');

/** A request target without passwords: the `p` parameter, and those within a query, those of addresses included. */
export function redactTarget(target: string): string {
  if (!/[?&]p=|password|@|%40/i.test(target)) return target;
  return target
    .replace(
      /((?:\/|%2F){2}(?:(?!%2F|%3F|%23|%40|%3A)[^/?#@:&'])*(?::|%3A))(?:(?!%2F|%3F|%23|%40)[^/?#@&'])*(@|%40)/gi,
      '$1xxxxx$2',
    )
    .replace(/([?&]p=)[^&]*/g, '$1%5BREDACTED%5D')
    .replace(
      /(password(?:\+|%20|\s)+(?:for(?:\+|%20|\s)+.*?(?:=|%3D)(?:\+|%20|\s)*)?)('|%27)(?:\\.|%5C.|(?!\2)[^&])*(\2|$)/gi,
      '$1%5BREDACTED%5D',
    );
}

function clfTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}
