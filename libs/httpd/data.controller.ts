/** /write and /query, and what 2.x's clients send in their place. */
import { Controller, Get, Inject, Options, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpError } from './errors.js';
import type { RouteSpec } from './request-pipeline.js';
import { HTTPD_PARTS, type HttpdParts } from './tokens.js';

/** The routes that points go in and come out by. */
@Controller()
export class DataController {
  private readonly writeRoute: RouteSpec;
  private readonly queryRoute: RouteSpec;
  private readonly optionsRoute: RouteSpec;
  private readonly bucketRoute: RouteSpec;
  private readonly fluxRoute: RouteSpec;

  constructor(@Inject(HTTPD_PARTS) private readonly parts: HttpdParts) {
    const { writes, queries } = parts;
    this.writeRoute = {
      privilege: 'user',
      needsStore: true,
      trackedAs: 'writes',
      contentType: 'application/json',
      handle: (exchange, identity) => writes.serve(exchange, identity),
    };
    this.queryRoute = {
      privilege: 'user',
      needsStore: true,
      trackedAs: 'queries',
      contentType: 'application/json',
      handle: (exchange, identity) => queries.serve(exchange, identity),
    };
    this.bucketRoute = {
      ...this.writeRoute,
      isTokenAllowed: true,
      handle: (exchange, identity) => writes.serveBucket(exchange, identity),
    };
    this.fluxRoute = {
      ...this.queryRoute,
      needsStore: false,
      isTokenAllowed: true,
      handle: () => {
        throw HttpError.fluxNotSupported();
      },
    };
    this.optionsRoute = {
      privilege: 'none',
      needsStore: false,
      contentType: null,
      handle: (exchange) => exchange.sendEmpty(200),
    };
  }

  @Post('write')
  write(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.writeRoute);
  }

  @Get('query')
  getQuery(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.queryRoute);
  }

  @Post('query')
  postQuery(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.queryRoute);
  }

  @Post('api/v2/write')
  writeBucket(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.bucketRoute);
  }

  @Post('api/v2/query')
  queryFlux(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.fluxRoute);
  }

  @Options('write')
  writeOptions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.optionsRoute);
  }

  @Options('query')
  queryOptions(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.serve(request, reply, this.optionsRoute);
  }

  private serve(request: FastifyRequest, reply: FastifyReply, route: RouteSpec): Promise<void> {
    reply.hijack();
    return this.parts.pipeline.serve(request.raw, reply.raw, route);
  }
}
