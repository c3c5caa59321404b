/** Mounts the routes that other libraries bring. */
import type { Authenticator } from './authenticator.js';
import { readBody } from './body-reader.js';
import type { BufferPool } from './buffer-pool.js';
import type { Exchange } from './exchange.js';
import type { HttpRoute } from './ports.js';
import type { RouteSpec } from './request-pipeline.js';

/** What mounted routes stand on. */
export interface RouteMountParts {
  readonly authenticator: Authenticator;
  readonly pool: BufferPool;
  readonly bodySizeMaxBytes: number;
}

/** A route of another library in the form that the pipeline serves. */
export function routeSpecOf(route: HttpRoute, parts: RouteMountParts): RouteSpec {
  return {
    privilege: route.privilege,
    needsStore: true,
    contentType: null,
    isTokenAllowed: route.path.startsWith('/api/v2/'),
    handle: async (exchange, identity) => {
      const stop = new AbortController();
      exchange.response.on('close', () => stop.abort());
      const body = await readBody(
        exchange.request,
        parts.pool,
        route.bodySizeMaxBytes ?? parts.bodySizeMaxBytes,
      );
      try {
        const result = await route.handle({
          method: exchange.request.method ?? '',
          parameter: (name) => exchange.url.get(name),
          header: (name) => headerOf(exchange, name),
          body: body.buffer.subarray(0, body.length),
          user: identity.kind === 'user' ? identity.user : null,
          signal: stop.signal,
        });
        for (const [name, value] of Object.entries(result.headers ?? {}))
          exchange.response.setHeader(name, value);
        if (result.body === undefined) exchange.sendEmpty(result.status);
        else
          exchange.send(
            result.status,
            result.headers?.['Content-Type'] ?? 'application/json',
            result.body,
          );
      } finally {
        body.release();
      }
    },
  };
}

function headerOf(exchange: Exchange, name: string): string | undefined {
  const lowerName = name.toLowerCase();
  if (lowerName === 'content-type')
    return exchange.contentType === '' ? undefined : exchange.contentType;
  const value = exchange.request.headers[lowerName];
  return Array.isArray(value) ? value.join(', ') : value;
}
