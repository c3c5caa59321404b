/** A destination of subscriptions for tests: takes writes over HTTP, remembers them, and answers as it is told. */
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request as it came. */
export interface SunkRequest {
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** How a request is answered: a status with a text, or not at all. */
export type SinkAnswer = { readonly status: number; readonly body?: string } | 'hang' | 'reset';

/** See the header. */
export class WriteSink {
  readonly requests: SunkRequest[] = [];
  /** Decides what to answer; what it takes counts as received. */
  answer: (request: SunkRequest) => SinkAnswer = () => ({ status: 204 });
  private readonly taken: string[] = [];
  private readonly server: http.Server;
  private waiters: (() => void)[] = [];

  private constructor(private readonly certificate: string | null) {
    const listener: http.RequestListener = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => undefined);
      request.on('end', () => this.take(request, response, Buffer.concat(chunks).toString()));
    };
    this.server =
      certificate === null
        ? http.createServer(listener)
        : https.createServer({ cert: certificate, key: certificate }, listener);
  }

  /**
   * A sink that listens on the loopback.
   * @param certificate with its key, PEM: then over HTTPS
   */
  static async open(port = 0, certificate: string | null = null): Promise<WriteSink> {
    const sink = new WriteSink(certificate);
    await new Promise<void>((done) => sink.server.listen(port, '127.0.0.1', done));
    return sink;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.certificate === null ? 'http' : 'https'}://127.0.0.1:${this.port}`;
  }

  /** Lines of the requests that were taken, in order. */
  get lines(): string[] {
    return this.taken.flatMap((body) => body.split('\n').filter((line) => line !== ''));
  }

  /** Bodies that were taken, in order. */
  get bodies(): readonly string[] {
    return this.taken;
  }

  /** Resolves when a condition holds, which is looked at after every request. */
  async until(isMet: () => boolean): Promise<void> {
    while (!isMet()) await new Promise<void>((done) => this.waiters.push(done));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((done) => this.server.close(() => done()));
  }

  private take(request: http.IncomingMessage, response: http.ServerResponse, body: string): void {
    const pairs = request.rawHeaders;
    const headers = Array.from(
      { length: pairs.length / 2 },
      (_, i) => [pairs[2 * i], pairs[2 * i + 1]] as const,
    );
    const taken: SunkRequest = { target: request.url ?? '', headers, body };
    this.requests.push(taken);
    const answer = this.answer(taken);
    if (answer === 'reset') request.socket.destroy();
    else if (answer !== 'hang') {
      if (answer.status < 300) this.taken.push(body);
      response.writeHead(answer.status).end(answer.body ?? '');
    }
    for (const waiter of this.waiters.splice(0)) waiter();
  }
}
