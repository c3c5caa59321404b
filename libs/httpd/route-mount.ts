/** Mounts the routes that other libraries bring. */
import type { Authenticator, Identity } from './authenticator.js';
import { readBody } from './body-reader.js';
import type { BufferPool } from './buffer-pool.js';
import type { Exchange } from './exchange.js';
import type { HttpRoute, HttpRouteResult } from './ports.js';
import type { RouteSpec } from './request-pipeline.js';
import { ResponseStream } from './response-stream.js';
import type { HttpdStatistics } from './statistics.js';
import type { Throttle } from './throttle.js';

/** What mounted routes stand on. */
export interface RouteMountParts {
  readonly authenticator: Authenticator;
  readonly throttle: Throttle;
  readonly statistics: HttpdStatistics;
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
    ...(route.trackedAs !== undefined && { trackedAs: route.trackedAs }),
    handle: async (exchange, identity) => {
      if (route.isThrottled !== true) return serve(route, parts, exchange, identity);
      await parts.throttle.enter();
      try {
        await serve(route, parts, exchange, identity);
      } finally {
        parts.throttle.leave();
      }
    },
  };
}

async function serve(
  route: HttpRoute,
  parts: RouteMountParts,
  exchange: Exchange,
  identity: Identity,
): Promise<void> {
  const { authenticator, pool, statistics } = parts;
  const body = await readBody(
    exchange.request,
    pool,
    route.bodySizeMaxBytes ?? parts.bodySizeMaxBytes,
  );
  let signal: AbortSignal | null = null;
  let result: HttpRouteResult;
  try {
    result = await route.handle({
      method: exchange.request.method ?? '',
      parameter: (name) => exchange.url.get(name),
      header: (name) => headerOf(exchange, name),
      body: body.buffer.subarray(0, body.length),
      user: identity.kind === 'user' ? identity.user : null,
      peer: exchange.sender,
      get signal() {
        return (signal ??= closeSignal(exchange));
      },
      authorize: (privilege, database) => {
        if (privilege === 'READ') authenticator.authorizeRead(identity, database);
        else authenticator.authorizeWrite(identity, database);
      },
      count: (counter, by) => {
        statistics[counter] += by;
      },
    });
  } finally {
    body.release();
  }
  await answer(exchange, result);
}

/** Aborted when the client goes away before it has its answer. Made where it is asked for: it costs as much as a small write. */
function closeSignal({ response }: Exchange): AbortSignal {
  const stop = new AbortController();
  if (response.destroyed) stop.abort();
  response.on('close', () => {
    if (!response.writableFinished) stop.abort();
  });
  return stop.signal;
}

async function answer(exchange: Exchange, result: HttpRouteResult): Promise<void> {
  const { headers = {}, status, body } = result;
  for (const [name, value] of Object.entries(headers)) exchange.response.setHeader(name, value);
  if (body === undefined) exchange.sendEmpty(status);
  else if (typeof body === 'string' || body instanceof Uint8Array)
    exchange.send(status, headers['Content-Type'] ?? 'application/json', body);
  else {
    exchange.response.statusCode = status;
    const stream = new ResponseStream(exchange.response, { isGzip: false, isPretty: false });
    for await (const piece of body) {
      if (exchange.response.destroyed) return;
      await stream.write(piece);
    }
    exchange.responseBytes = stream.bytesWritten;
    stream.end();
  }
}

function headerOf(exchange: Exchange, name: string): string | undefined {
  const lowerName = name.toLowerCase();
  if (lowerName === 'content-type')
    return exchange.contentType === '' ? undefined : exchange.contentType;
  const value = exchange.request.headers[lowerName];
  return Array.isArray(value) ? value.join(', ') : value;
}
