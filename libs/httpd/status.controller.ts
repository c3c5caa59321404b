/** /ping, /status, /health, /ready, /metrics, /debug/vars, and the answer to everything else. */
import { All, Controller, Get, Head, Inject, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Exchange } from './exchange.js';
import { sendMethodNotAllowed } from './method-not-allowed.js';
import type { RouteSpec } from './request-pipeline.js';
import { HTTPD_PARTS, type HttpdParts } from './tokens.js';

/** Methods of the paths that are served, in upstream's words; other methods get 405. */
const METHODS_BY_PATH: Readonly<Record<string, string>> = {
  '/write': 'OPTIONS, POST',
  '/query': 'GET, OPTIONS, POST',
  '/ping': 'GET, HEAD',
  '/status': 'GET, HEAD',
  '/health': 'GET',
  '/ready': 'GET',
  '/metrics': 'GET',
};

/** The routes about the server itself. */
@Controller()
export class StatusController {
  private readonly routes: Readonly<
    Record<
      | 'ping'
      | 'status'
      | 'health'
      | 'ready'
      | 'metrics'
      | 'vars'
      | 'requests'
      | 'profile'
      | 'other',
      RouteSpec
    >
  >;

  constructor(@Inject(HTTPD_PARTS) private readonly parts: HttpdParts) {
    const { status, isPingGuarded, isDebugGuarded } = parts;
    const route = (
      handle: (exchange: Exchange) => Promise<void> | void,
      privilege: RouteSpec['privilege'],
    ): RouteSpec => ({
      privilege,
      needsStore: false,
      contentType: null,
      handle,
    });
    const guarded = isPingGuarded ? 'user' : 'none';
    // Served apart from the routes, as in InfluxDB 1.x.
    const bare: typeof route = (handle, privilege) => ({
      ...route(handle, privilege),
      isBare: true,
    });
    this.routes = {
      ping: route((exchange) => status.ping(exchange), guarded),
      status: route((exchange) => status.status(exchange), guarded),
      health: route((exchange) => status.health(exchange), 'none'),
      ready: route((exchange) => status.ready(exchange), 'none'),
      metrics: route((exchange) => status.metrics(exchange), guarded),
      vars: bare((exchange) => status.debugVars(exchange), isDebugGuarded ? 'admin' : 'none'),
      requests: bare(
        (exchange) => status.debugRequests(exchange),
        isDebugGuarded ? 'admin' : 'none',
      ),
      profile: bare((exchange) => status.profile(exchange), isDebugGuarded ? 'admin' : 'none'),
      other: bare(refuse, 'none'),
    };
  }

  @Get('ping')
  ping(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.ping);
  }

  @Head('ping')
  headPing(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.ping);
  }

  @Get('status')
  status(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.status);
  }

  @Head('status')
  headStatus(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.status);
  }

  @Get('health')
  health(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.health);
  }

  @Get('ready')
  ready(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.ready);
  }

  @Get('metrics')
  metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.metrics);
  }

  /** Whatever the method. Same as InfluxDB 1.x. */
  @All('debug/vars')
  vars(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.vars);
  }

  @All('debug/requests')
  requests(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.requests);
  }

  @Get('debug/pprof/*')
  profile(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(
      request,
      reply,
      this.parts.isProfilingServed ? this.routes.profile : this.routes.other,
    );
  }

  @All('*')
  other(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.routes.other);
  }

  private serve(request: FastifyRequest, reply: FastifyReply, route: RouteSpec): Promise<void> {
    reply.hijack();
    return this.parts.pipeline.serve(request.raw, reply.raw, route);
  }
}

/** 405 where the path is served by other methods, else 404; plain text as upstream. */
function refuse(exchange: Exchange): void {
  const path = (exchange.request.url ?? '').split('?')[0] ?? '';
  const methods = METHODS_BY_PATH[path];
  if (methods !== undefined) {
    sendMethodNotAllowed(exchange, methods);
    return;
  }
  exchange.response.setHeader('X-Content-Type-Options', 'nosniff');
  exchange.send(404, 'text/plain; charset=utf-8', '404 page not found\n');
}
