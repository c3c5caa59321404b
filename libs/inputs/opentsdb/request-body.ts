/** Reads the body of a request, with a limit before and after decompression. */
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import { InputError } from '../shared/errors.js';

/** A body that cannot be taken: code `inputs.body-too-large`, `inputs.body-broken` or `inputs.body-aborted`. */
const refused = (code: string, text: string): InputError => new InputError(code, text);

/**
 * All bytes of a body.
 * @param bytesMax of the body as it is sent, and of what it decompresses to
 * @param hold told of every byte that is kept; false where there is no room for them
 * @throws InputError; texts are InfluxDB's where it has one
 */
export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
  hold: (bytes: number) => boolean,
): Promise<Uint8Array> {
  const isGzip = request.headers['content-encoding'] === 'gzip';
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const source = isGzip ? request.pipe(createGunzip()) : request;
  // pipe() does not hand on that the sender has gone.
  if (isGzip) request.on('close', () => request.complete || source.destroy());
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > bytesMax) throw tooLarge(bytesMax);
      if (!hold(chunk.length)) {
        throw refused('inputs.bodies-too-large', 'too many bodies at one time');
      }
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    if (!isGzip || !request.complete) throw refused('inputs.body-aborted', 'unexpected EOF');
    const isHeader = length === 0 && (error as NodeJS.ErrnoException).code === 'Z_DATA_ERROR';
    const text = isHeader ? 'gzip: invalid header' : 'unexpected EOF';
    throw refused('inputs.body-broken', `could not read gzip, ${text}`);
  }
  if (isGzip && length === 0 && request.headers['content-length'] === '0') {
    throw refused('inputs.body-broken', 'could not read gzip, EOF');
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

const tooLarge = (bytesMax: number): InputError =>
  refused('inputs.body-too-large', `request body is larger than ${bytesMax} bytes`);
