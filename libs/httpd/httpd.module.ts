/** The HTTP server as a Nest module, and the Nest application around it. */
import { type DynamicModule, Module } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { answerClientError } from './client-error.js';
import { DataController } from './data.controller.js';
import { InvariantError } from '#kernel';
import type { HttpConfig, TlsConfig } from './httpd.config.js';
import type { HttpRoute } from './ports.js';
import { sendMethodNotAllowed } from './method-not-allowed.js';
import type { RequestPipeline, RouteSpec } from './request-pipeline.js';
import { routeSpecOf, type RouteMountParts } from './route-mount.js';
import { StatusController } from './status.controller.js';
import { readTlsOptions } from './tls-options.js';
import { HTTPD_PARTS, type HttpdParts } from './tokens.js';

/** Longest request line and headers; queries of GET requests are in them. Same as Go's. */
const HEADER_SIZE_MAX_BYTES = 1024 * 1024;

/** Routes over the given parts. */
@Module({})
export class HttpdModule {
  static forParts(parts: HttpdParts): DynamicModule {
    return {
      module: HttpdModule,
      controllers: [DataController, StatusController],
      providers: [{ provide: HTTPD_PARTS, useValue: parts }],
    };
  }
}

/** The adapter that Nest is to be created with: bodies are left to the handlers, connections stay open as in Go. */
export function createHttpAdapter(config: HttpConfig, tls: TlsConfig): FastifyAdapter {
  const http = { maxHeaderSize: HEADER_SIZE_MAX_BYTES };
  const common = {
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    clientErrorHandler: answerClientError,
    schemaController: {
      compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas },
    },
  } as const;
  const adapter = config.isHttpsEnabled
    ? new FastifyAdapter({
        ...common,
        https: { ...http, ...readTlsOptions(config, tls) },
      })
    : new FastifyAdapter({ ...common, http });
  const instance: FastifyInstance = adapter.getInstance();
  instance.removeAllContentTypeParsers();
  // Fastify refuses content types that it cannot read, the empty one of InfluxDB's shell among them; upstream takes any.
  instance.addHook('onRequest', (request, _reply, done) => {
    delete request.raw.headers['content-type'];
    done();
  });
  // Handlers read the body themselves, after their checks, into memory of their own.
  instance.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  // Fastify takes 0 for its own default; Node takes it for never, as Go does.
  instance.server.keepAliveTimeout = 0;
  if (config.connectionLimitMax > 0) instance.server.maxConnections = config.connectionLimitMax;
  return adapter;
}

/** No route has a schema: the libraries that compile them need not be loaded, which takes a tenth of the start. */
function noSchemas(): never {
  throw new InvariantError('no route has a schema');
}

/** Adds the routes of other libraries to an adapter. */
export function mountRoutes(
  adapter: FastifyAdapter,
  routes: readonly HttpRoute[],
  pipeline: RequestPipeline,
  parts: RouteMountParts,
): void {
  const instance: FastifyInstance = adapter.getInstance();
  const serve = (method: string | string[], url: string, spec: RouteSpec): void => {
    instance.route({
      method,
      url,
      handler: (request, reply) => {
        reply.hijack();
        return pipeline.serve(request.raw, reply.raw, spec);
      },
    });
  };
  const methodsByPath = new Map<string, string[]>();
  for (const route of routes) {
    serve(route.method, route.path, routeSpecOf(route, parts));
    methodsByPath.set(route.path, [...(methodsByPath.get(route.path) ?? []), route.method]);
  }
  for (const [path, methods] of methodsByPath) {
    const others = METHODS.filter((method) => !methods.includes(method));
    serve(others, path, refusalOf(methods));
  }
}

/** What is answered 405 where a route does not serve it. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** The answer to other methods than those of a path. Same as InfluxDB 1.x. */
function refusalOf(methods: readonly string[]): RouteSpec {
  return {
    privilege: 'none',
    needsStore: false,
    contentType: null,
    isBare: true,
    handle: (exchange) => sendMethodNotAllowed(exchange, [...methods].sort().join(', ')),
  };
}
