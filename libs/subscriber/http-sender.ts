/**
 * Lines by POST /write, as InfluxDB's subscriber sends them: same target, same headers, so that whatever takes writes of
 * InfluxDB takes these. One connection, kept open.
 */
import http from 'node:http';
import https from 'node:https';
import { gunzipSync } from 'node:zlib';
import { messageOf, redactUrl } from '#kernel';
import type { Lines, Place, Sender, SenderOptions, SendOutcome } from './sender.js';

/** Bytes of an answer that are looked at. */
const ANSWER_BYTES_MAX = 4096;
/** Characters of a reason that are told. */
const REASON_LENGTH_MAX = 300;

/** See the header. */
export class HttpSender implements Sender {
  readonly address: string;
  private readonly agent: http.Agent;
  private readonly request: typeof http.request;
  private readonly options: http.RequestOptions;

  constructor(
    address: string,
    place: Place,
    private readonly settings: SenderOptions,
  ) {
    const url = new URL(address);
    this.address = redactUrl(address);
    const isHttps = url.protocol === 'https:';
    const agent = { keepAlive: true, maxSockets: 1 };
    this.agent = isHttps
      ? new https.Agent({
          ...agent,
          rejectUnauthorized: !settings.isVerificationSkipped,
          ...(settings.certificates !== null && { ca: settings.certificates }),
        })
      : new http.Agent(agent);
    this.request = isHttps ? https.request : http.request;
    const { username, password } = url;
    const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.options = {
      method: 'POST',
      agent: this.agent,
      hostname: url.hostname.replace(/^\[(.*)\]$/, '$1'),
      port: url.port === '' ? (isHttps ? 443 : 80) : url.port,
      path: `${url.pathname.replace(/\/$/, '')}/write?${targetQuery(url, place)}`,
      // In InfluxDB's order.
      headers: {
        Host: url.host,
        'User-Agent': 'InfluxDBClient',
        'Content-Length': 0,
        ...(username !== '' && {
          Authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
        }),
        'Content-Type': '',
        'Accept-Encoding': 'gzip',
      },
    };
  }

  async send(lines: Lines, signal: AbortSignal): Promise<SendOutcome> {
    const { httpTimeoutMs } = this.settings;
    const timeout = AbortSignal.timeout(httpTimeoutMs);
    try {
      return await this.post(lines, AbortSignal.any([signal, timeout]));
    } catch (error) {
      const reason = timeout.aborted ? `no answer within ${httpTimeoutMs} ms` : messageOf(error);
      return { kind: 'failed', reason: redactUrl(reason), retryAfterMs: 0 };
    }
  }

  close(): void {
    this.agent.destroy();
  }

  private post({ pieces, sizeBytes }: Lines, signal: AbortSignal): Promise<SendOutcome> {
    return new Promise<SendOutcome>((resolve, reject) => {
      const headers = { ...this.options.headers, 'Content-Length': sizeBytes };
      const request = this.request({ ...this.options, headers, signal }, (response) => {
        const kept: Buffer[] = [];
        let keptBytes = 0;
        response.on('data', (chunk: Buffer) => {
          if (keptBytes < ANSWER_BYTES_MAX) kept.push(chunk);
          keptBytes += chunk.length;
        });
        response.on('error', reject);
        response.on('end', () => resolve(outcomeOf(response, Buffer.concat(kept))));
      });
      request.on('error', reject);
      // HTTP/1.1 keeps connections without being asked; InfluxDB does not ask.
      request.removeHeader('Connection');
      // With the last piece in end(), headers and a body of one piece leave in one call of the system.
      for (const piece of pieces.slice(0, -1)) request.write(piece);
      request.end(pieces.at(-1));
    });
  }
}

/** The query with what the address brings itself, sorted as Go sorts it. */
function targetQuery(url: URL, { database, retentionPolicy }: Place): string {
  const query = new URLSearchParams(url.search);
  query.set('consistency', '');
  query.set('db', database);
  query.set('precision', 'ns');
  query.set('rp', retentionPolicy);
  query.sort();
  return query.toString();
}

function outcomeOf(response: http.IncomingMessage, answer: Buffer): SendOutcome {
  const status = response.statusCode ?? 0;
  if (status === 200 || status === 204) return { kind: 'delivered' };
  const text = textOf(response, answer).trim().slice(0, REASON_LENGTH_MAX);
  const reason = redactUrl(text === '' ? `status ${status}` : `status ${status}: ${text}`);
  if (status === 400 || status === 413) return { kind: 'refused', status, reason };
  const seconds = Number(response.headers['retry-after']);
  return { kind: 'failed', reason, retryAfterMs: seconds > 0 ? seconds * 1000 : 0 };
}

function textOf(response: http.IncomingMessage, answer: Buffer): string {
  if (response.headers['content-encoding'] !== 'gzip') return answer.toString();
  try {
    return gunzipSync(answer, { maxOutputLength: 16 * ANSWER_BYTES_MAX }).toString();
  } catch {
    // An answer cut off, or no gzip: its status says enough.
    return '';
  }
}
