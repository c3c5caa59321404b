/**
 * The server's HTTP side once more, over a practice store and on a Unix socket of its own, and a client that talks to it as
 * others talk to the server.
 */
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { type HttpConfig, HttpService } from '#httpd';
import { createHttpAdapter, HttpdModule } from '#httpd/module';
import { type Clock, silentLogger } from '#kernel';
import type { ServerConfig } from '../config-registry.js';
import { ServerError } from '../errors.js';
import { nestLogger } from '../server-log.js';
import { PRACTICE_DATABASE } from './practice-data.js';
import type { PracticeStore } from './practice-store.js';

const READY_TIMEOUT_MS = 10_000;
/** What systems take as the path of a socket. */
const SOCKET_PATH_MAX = 100;

/** See the header. */
export class PracticeClient {
  private readonly agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  private constructor(
    private readonly application: NestFastifyApplication,
    private readonly service: HttpService,
    private readonly socketPath: string,
  ) {}

  /** Opens the service on a socket in `folder`. */
  static async open(
    folder: string,
    store: PracticeStore,
    { config, clock }: { readonly config: ServerConfig; readonly clock: Clock },
  ): Promise<PracticeClient> {
    const http: HttpConfig = {
      ...config.http,
      isAuthEnabled: false,
      isLogEnabled: false,
      isHttpsEnabled: false,
      isWriteTraced: false,
    };
    const service = new HttpService(
      http,
      {
        ...store.ports,
        readiness: { pending: () => null, waitUntilReady: () => Promise.resolve(true) },
        self: {
          collect: () => [],
          metricsContentType: 'text/plain',
          renderMetrics: () => Promise.resolve(''),
          observeRequest: () => undefined,
        },
      },
      { clock, logger: silentLogger, readyTimeoutMs: READY_TIMEOUT_MS, extensions: [] },
    );
    const application = await NestFactory.create<NestFastifyApplication>(
      HttpdModule.forParts(service.parts),
      createHttpAdapter(http, config.tls),
      { bodyParser: false, logger: nestLogger(silentLogger), abortOnError: false },
    );
    service.open();
    const near = join(folder, 'socket');
    const socketPath =
      near.length <= SOCKET_PATH_MAX ? near : join(tmpdir(), `tidegate-warm-up-${process.pid}`);
    await application.listen({ path: socketPath });
    return new PracticeClient(application, service, socketPath);
  }

  /** Writes a body. */
  write(body: Uint8Array): Promise<void> {
    return this.send('POST', `/write?db=${PRACTICE_DATABASE}`, body);
  }

  /** Asks a statement. */
  ask(text: string): Promise<void> {
    return this.send('GET', `/query?db=${PRACTICE_DATABASE}&q=${encodeURIComponent(text)}`);
  }

  async close(): Promise<void> {
    this.agent.destroy();
    this.application.getHttpServer().closeAllConnections();
    await this.application.close();
    await this.service.close();
  }

  private send(method: string, path: string, body?: Uint8Array): Promise<void> {
    const { agent, socketPath } = this;
    return new Promise((resolve, reject) => {
      const request = http.request({ agent, socketPath, method, path }, (response) => {
        const { statusCode = 0 } = response;
        response.resume();
        response.on('error', reject);
        response.on('end', () => {
          if (statusCode < 300) resolve();
          else reject(new ServerError('server.practice-failed', `${path}: status ${statusCode}`));
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }
}
