/** Sends a recorded request as it was: no header that is not listed. */
import http from 'node:http';
import zlib from 'node:zlib';
import type { GoldenRequest } from './golden-case.js';
import { fillTemplate } from './golden-template.js';

/** An answer. */
export interface GoldenAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Decompressed. */
  readonly body: Buffer;
  readonly encoding: string | null;
}

/** Sends a request; `login` is used where it names no user itself. */
export async function send(
  url: string,
  request: GoldenRequest,
  login?: readonly [string, string],
): Promise<GoldenAnswer> {
  if (request.waitMsBefore !== undefined)
    await new Promise((done) => setTimeout(done, request.waitMsBefore));
  const headers: Record<string, string> = Object.fromEntries(
    Object.entries(request.headers ?? {}).map(([name, value]) => [name, fillTemplate(value)]),
  );
  const body = bodyOf(request, headers);
  const auth = request.basicAuth ?? login;
  if (auth !== undefined)
    headers['Authorization'] =
      `Basic ${Buffer.from(auth.map(fillTemplate).join(':')).toString('base64')}`;
  if (body !== null) headers['Content-Length'] = String(body.length);
  return exchange(
    `${url}${request.path}${queryOf(request)}`,
    { method: request.method, headers },
    body,
  );
}

function bodyOf(request: GoldenRequest, headers: Record<string, string>): Buffer | null {
  if (request.form !== undefined) {
    headers['Content-Type'] ??= 'application/x-www-form-urlencoded';
    return Buffer.from(encodePairs(Object.entries(request.form)));
  }
  if (request.bodyBase64 !== undefined) return Buffer.from(request.bodyBase64, 'base64');
  if (request.body === undefined) return request.method === 'POST' ? Buffer.alloc(0) : null;
  const body = Buffer.from(fillTemplate(request.body));
  return request.gzipBody === true ? zlib.gzipSync(body) : body;
}

function queryOf(request: GoldenRequest): string {
  if (request.params === undefined) return '';
  const pairs = Array.isArray(request.params)
    ? (request.params as readonly (readonly [string, string])[])
    : Object.entries(request.params);
  if (pairs.length === 0) return '';
  return `${request.path.includes('?') ? '&' : '?'}${encodePairs(pairs)}`;
}

function encodePairs(pairs: readonly (readonly [string, string])[]): string {
  return pairs
    .map(
      ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(fillTemplate(value))}`,
    )
    .join('&');
}

function exchange(
  url: string,
  options: { readonly method: string; readonly headers: Readonly<Record<string, string>> },
  body: Buffer | null,
): Promise<GoldenAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const encoding = response.headers['content-encoding'] ?? null;
        const raw = Buffer.concat(chunks);
        const headers = Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [
            name,
            Array.isArray(value) ? value.join(', ') : (value ?? ''),
          ]),
        );
        resolve({
          status: response.statusCode ?? 0,
          headers,
          encoding,
          body: encoding === 'gzip' ? zlib.gunzipSync(raw) : raw,
        });
      });
    });
    request.on('error', reject);
    request.setTimeout(60_000, () => request.destroy(new TypeError('no answer within 60 s')));
    request.end(body ?? undefined);
  });
}
