/** The HTTP listener as a part of the server: a Nest application over Fastify, and a Unix socket beside it. */
import { chmodSync, chownSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { type Logger, messageOf } from '#kernel';
import {
  type HttpConfig,
  type HttpRoute,
  type HttpService,
  parseBindAddress,
  readTlsOptions,
  type TlsConfig,
} from '#httpd';
import { createHttpAdapter, HttpdModule, mountRoutes } from '#httpd/module';
import type { ServerPart } from './server.js';
import { nestLogger } from './server-log.js';

/** How long answers under way may take at a shutdown before their connections are cut. */
const DRAIN_MS = 10_000;
/** How often a shutdown looks whether requests are still under way. */
const SWEEP_MS = 20;

/** Serves the service's routes. */
export class HttpPart implements ServerPart {
  readonly name = 'service: httpd';
  readonly closesFirst = true;
  private application: NestFastifyApplication | null = null;
  private socketServer: http.Server | null = null;

  constructor(
    private readonly config: HttpConfig,
    private readonly tls: TlsConfig,
    private readonly service: HttpService,
    private readonly routes: readonly HttpRoute[],
    private readonly logger: Logger,
  ) {}

  /** The port that is listened on; of use where the configuration says 0. */
  get port(): number {
    const address = this.application?.getHttpServer().address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  async open(): Promise<void> {
    const { config, service, logger } = this;
    if (!config.isEnabled) return;
    logger.info('Starting HTTP service', { authentication: config.isAuthEnabled });
    const adapter = createHttpAdapter(config, this.tls);
    mountRoutes(adapter, this.routes, service.parts.pipeline, service.mount);
    const application = await NestFactory.create<NestFastifyApplication>(
      HttpdModule.forParts(service.parts),
      adapter,
      { bodyParser: false, logger: nestLogger(logger), abortOnError: false },
    );
    service.open();
    const { host, port } = parseBindAddress(config.bindAddress);
    await application.listen({ port, host: host ?? '::' }).catch((error: unknown) => {
      // A machine without IPv6.
      if (host === undefined) return application.listen({ port, host: '0.0.0.0' });
      throw error;
    });
    this.application = application;
    logger.info('Listening on HTTP', {
      addr: `${host ?? '[::]'}:${this.port}`,
      https: config.isHttpsEnabled,
    });
    if (config.isUnixSocketEnabled)
      await this.openSocket(application.getHttpAdapter().getInstance());
  }

  async close(): Promise<void> {
    const { application, socketServer } = this;
    this.application = null;
    this.socketServer = null;
    if (application === null) return;
    socketServer?.close();
    const server: http.Server = application.getHttpServer();
    // Connections stay open between requests; once no request is under way there is nothing to wait for.
    const sweep = setInterval(() => {
      if (this.service.requestsActive === 0) server.closeAllConnections();
      else server.closeIdleConnections();
    }, SWEEP_MS);
    const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    await application.close();
    clearTimeout(cut);
    clearInterval(sweep);
    await this.service.close();
  }

  /** Takes up a renewed certificate for new connections; one that does not load leaves the old one in place. */
  reload(): void {
    const server: unknown = this.application?.getHttpServer();
    if (!(server instanceof https.Server)) return;
    const path = this.config.httpsCertificatePath;
    try {
      server.setSecureContext(readTlsOptions(this.config, this.tls));
      this.logger.info('Certificate reloaded', { path });
    } catch (error) {
      this.logger.error('Certificate could not be reloaded; the old one stays', {
        path,
        error: messageOf(error),
      });
    }
  }

  private async openSocket(instance: FastifyInstance): Promise<void> {
    const { unixSocketPath, unixSocketMode, unixSocketGroup } = this.config;
    await rm(unixSocketPath, { force: true });
    const server = http.createServer((request, response) => instance.routing(request, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(unixSocketPath, resolve);
    });
    chmodSync(unixSocketPath, unixSocketMode);
    if (unixSocketGroup !== '') chownSync(unixSocketPath, -1, Number(unixSocketGroup));
    this.socketServer = server;
    this.logger.info('Listening on unix socket', { path: unixSocketPath });
  }
}
