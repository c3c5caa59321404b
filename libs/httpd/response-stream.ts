/** The body of an answer: indented and compressed where asked for, held back while the client does not read. */
import type { ServerResponse } from 'node:http';
import zlib from 'node:zlib';
import { JsonIndenter } from './json-indenter.js';
import type { ByteOutput } from './response-writer.js';

/** What the client asked for. */
export interface ResponseForm {
  readonly isGzip: boolean;
  readonly isPretty: boolean;
}

/** Fast compression: answers are compressed while the client waits. */
const GZIP_LEVEL = 1;

/** Sends bytes as the body of a response; headers go out with the first of them. */
export class ResponseStream implements ByteOutput {
  /** Bytes before compression. */
  bytesWritten = 0;
  private readonly indenter: JsonIndenter | null;
  private readonly gzip: zlib.Gzip | null;
  private isPatient = true;
  private wake: (() => void) | null = null;

  constructor(
    private readonly response: ServerResponse,
    form: ResponseForm,
  ) {
    this.indenter = form.isPretty ? new JsonIndenter() : null;
    this.gzip = form.isGzip ? zlib.createGzip({ level: GZIP_LEVEL }) : null;
    if (this.gzip !== null) {
      response.setHeader('Content-Encoding', 'gzip');
      this.gzip.pipe(response);
    }
  }

  write(bytes: Uint8Array, isPlainText = false): Promise<void> | void {
    if (bytes.length === 0 || this.response.destroyed) return;
    const laidOut = this.indenter === null || isPlainText ? bytes : this.indenter.indent(bytes);
    this.bytesWritten += laidOut.length;
    const target = this.gzip ?? this.response;
    if (target.write(laidOut)) {
      // Each piece is of use to the client at once.
      this.gzip?.flush(zlib.constants.Z_SYNC_FLUSH);
      return;
    }
    if (!this.isPatient) return;
    return new Promise((resolve) => {
      const done = (): void => {
        target.off('drain', done);
        this.response.off('close', done);
        this.wake = null;
        resolve();
      };
      this.wake = done;
      target.once('drain', done);
      this.response.once('close', done);
    });
  }

  /** The query is over before its time: what little is still to come does not wait for the client. */
  stopWaiting(): void {
    this.isPatient = false;
    this.wake?.();
  }

  end(): void {
    if (this.gzip !== null) this.gzip.end();
    else this.response.end();
  }
}
