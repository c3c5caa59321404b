/**
 * Bodies of requests: read into one buffer sized by Content-Length, decompressed where they are gzip, never longer than the
 * limit, before or after decompression.
 */
import type { IncomingMessage } from 'node:http';
import zlib from 'node:zlib';
import { BODY_PADDING } from '#models';
import type { BufferPool } from './buffer-pool.js';
import { HttpError } from './errors.js';

/** A body in memory. */
export interface RequestBody {
  /** The body in its first `length` bytes, and BODY_PADDING spare bytes behind them. */
  readonly buffer: Uint8Array;
  readonly length: number;
  /** Bytes that came over the wire. */
  readonly wireBytes: number;
  /** Lets the memory be used again. Not to be called while anything may still read it. */
  release(): void;
}

/** Compressed bodies up to this size are decompressed at once; others in zlib's thread. */
const SYNC_GUNZIP_MAX_BYTES = 128 * 1024;
/** First buffer of a body of unknown length. */
const FIRST_CHUNKED_BYTES = 64 * 1024;

/**
 * Reads a body as it came.
 * @param sizeMaxBytes 0 for no limit
 * @throws HttpError 413, or 400 when the client goes away
 */
export async function readBody(
  request: IncomingMessage,
  pool: BufferPool,
  sizeMaxBytes: number,
): Promise<RequestBody> {
  const announced = Number(request.headers['content-length'] ?? Number.NaN);
  if (sizeMaxBytes > 0 && announced > sizeMaxBytes) throw HttpError.bodyTooLarge();
  let buffer = pool.take(
    (Number.isNaN(announced) ? FIRST_CHUNKED_BYTES : announced) + BODY_PADDING,
  );
  let length = 0;
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      request.removeAllListeners('data');
      request.resume();
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      const needed = length + chunk.length;
      if (sizeMaxBytes > 0 && needed > sizeMaxBytes) return fail(HttpError.bodyTooLarge());
      if (needed + BODY_PADDING > buffer.length) {
        const wider = pool.take(Math.max(needed + BODY_PADDING, buffer.length * 2));
        wider.set(buffer.subarray(0, length));
        pool.give(buffer);
        buffer = wider;
      }
      buffer.set(chunk, length);
      length = needed;
    });
    request.on('end', resolve);
    request.on('error', () => fail(HttpError.clientGone()));
    request.on('close', () => {
      if (!request.complete) fail(HttpError.clientGone());
    });
  });
  return { buffer, length, wireBytes: length, release: () => pool.give(buffer) };
}

/** Reads a body and decompresses it when `Content-Encoding: gzip` says so; other encodings are taken as they are. */
export async function readDecodedBody(
  request: IncomingMessage,
  pool: BufferPool,
  sizeMaxBytes: number,
): Promise<RequestBody> {
  const body = await readBody(request, pool, sizeMaxBytes);
  if (request.headers['content-encoding'] !== 'gzip') return body;
  const plain = await gunzip(body.buffer.subarray(0, body.length), sizeMaxBytes);
  body.release();
  const buffer = pool.take(plain.length + BODY_PADDING);
  buffer.set(plain);
  return {
    buffer,
    length: plain.length,
    wireBytes: body.wireBytes,
    release: () => pool.give(buffer),
  };
}

/**
 * Decompresses gzip of one or more members.
 * @param sizeMaxBytes bytes the result may have, 0 for no limit
 * @throws HttpError with Go's texts, 413 past the limit
 */
export async function gunzip(bytes: Uint8Array, sizeMaxBytes: number): Promise<Uint8Array> {
  if (bytes.length === 0) throw HttpError.badBody('EOF');
  if (bytes.length < 10) throw HttpError.badBody('unexpected EOF');
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) throw HttpError.badBody('gzip: invalid header');
  const options = sizeMaxBytes > 0 ? { maxOutputLength: sizeMaxBytes } : {};
  try {
    if (bytes.length <= SYNC_GUNZIP_MAX_BYTES) return zlib.gunzipSync(bytes, options);
    return await new Promise<Buffer>((resolve, reject) => {
      zlib.gunzip(bytes, options, (error, result) =>
        error === null ? resolve(result) : reject(error),
      );
    });
  } catch (error) {
    throw gunzipError(error);
  }
}

function gunzipError(error: unknown): HttpError {
  const { code = '', message: text = '' } = error as {
    readonly code?: string;
    readonly message?: string;
  };
  if (code === 'ERR_BUFFER_TOO_LARGE') return HttpError.bodyTooLarge();
  if (code === 'Z_BUF_ERROR') return HttpError.badBody('unexpected EOF', error);
  if (/header|method/.test(text)) return HttpError.badBody('gzip: invalid header', error);
  return HttpError.badBody(
    /data check|length check/.test(text) ? 'gzip: invalid checksum' : 'flate: corrupt input',
    error,
  );
}
