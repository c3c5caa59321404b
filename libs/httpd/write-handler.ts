/** POST /write: a body of line protocol into storage. Order of checks and texts as InfluxDB 1.x. */
import type { Logger } from '#kernel';
import { precisionOf } from '#models';
import type { Authenticator, Identity } from './authenticator.js';
import { readDecodedBody } from './body-reader.js';
import type { BufferPool } from './buffer-pool.js';
import { HttpError } from './errors.js';
import type { Exchange } from './exchange.js';
import type { ConsistencyLevel, UserDirectory, WriteOutcome, WriteService } from './ports.js';
import type { HttpdStatistics } from './statistics.js';
import type { Throttle } from './throttle.js';

/** What the handler stands on. */
export interface WriteHandlerParts {
  readonly writer: WriteService;
  readonly users: UserDirectory;
  readonly authenticator: Authenticator;
  readonly throttle: Throttle;
  readonly pool: BufferPool;
  readonly statistics: HttpdStatistics;
  /** 0 for no limit. */
  readonly bodySizeMaxBytes: number;
  /** Is told of every body, with `write-tracing`; else null. */
  readonly tracer: Logger | null;
}

/** What is logged of a body at most. */
const TRACED_BYTES_MAX = 64 * 1024;

/** Where a write goes, as the request's parameters name it. */
export interface WriteTarget {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly precision: string;
  readonly consistency: string;
}

/** Answers writes. */
export class WriteHandler {
  constructor(private readonly parts: WriteHandlerParts) {}

  /** Serves 1.x's /write. @throws what {@link write} throws */
  serve(exchange: Exchange, identity: Identity): Promise<void> {
    const { url } = exchange;
    return this.write(exchange, identity, {
      database: url.get('db'),
      retentionPolicy: url.get('rp'),
      precision: url.get('precision'),
      consistency: url.get('consistency'),
    });
  }

  /** Serves 2.x's /api/v2/write: a bucket is a database, or `database/policy`. @throws what {@link write} throws */
  serveBucket(exchange: Exchange, identity: Identity): Promise<void> {
    const { url } = exchange;
    const precision = url.get('precision');
    if (!(precision in BUCKET_PRECISIONS)) {
      throw HttpError.badParameters(
        `invalid precision ${JSON.stringify(precision)} (use ns, us, ms or s)`,
      );
    }
    const [database, retentionPolicy] = splitBucket(url.get('bucket'));
    return this.write(exchange, identity, {
      database,
      retentionPolicy,
      precision: BUCKET_PRECISIONS[precision] ?? 'ns',
      consistency: '',
    });
  }

  /**
   * Stores the request's body.
   * @throws HttpError, or the writer's error; the body's own errors are answered
   */
  async write(exchange: Exchange, identity: Identity, target: WriteTarget): Promise<void> {
    const { users, authenticator, throttle, statistics } = this.parts;
    statistics.writeReq++;
    statistics.writeReqActive++;
    const startedMs = performance.now();
    try {
      if (target.database === '') throw HttpError.databaseRequired();
      if (!users.hasDatabase(target.database)) throw HttpError.databaseNotFound(target.database);
      authenticator.authorizeWrite(identity, target.database);
      await throttle.enter();
      try {
        await this.store(exchange, target);
      } finally {
        throttle.leave();
      }
    } finally {
      statistics.writeReqActive--;
      statistics.writeReqDurationNs += Math.round((performance.now() - startedMs) * 1e6);
    }
  }

  private async store(exchange: Exchange, target: WriteTarget): Promise<void> {
    const { pool, statistics, bodySizeMaxBytes, writer } = this.parts;
    const body = await readDecodedBody(exchange.request, pool, bodySizeMaxBytes);
    let outcome: WriteOutcome;
    try {
      statistics.writeReqBytes += body.length;
      this.parts.tracer?.info('Write body received by handler', {
        requestId: exchange.requestId,
        body: Buffer.from(
          body.buffer.subarray(0, Math.min(body.length, TRACED_BYTES_MAX)),
        ).toString(),
      });
      if (body.length === 0) {
        consistencyOf(target.consistency);
        exchange.sendEmpty(204);
        return;
      }
      outcome = await writer.write({
        database: target.database,
        retentionPolicy: target.retentionPolicy,
        precision: precisionOf(target.precision),
        consistency: consistencyOf(target.consistency),
        body: body.buffer,
        length: body.length,
        user: exchange.username,
        peer: exchange.sender,
        areVerdictsWanted: (exchange.request.headers.accept ?? '').includes(VERDICTS_TYPE),
      });
    } finally {
      body.release();
    }
    statistics.pointsWrittenOK += outcome.points;
    statistics.valuesWrittenOK += outcome.values;
    statistics.pointsWrittenDropped += outcome.dropped;
    statistics.pointsWrittenFail += outcome.rejectedCount;
    if (outcome.errorText !== null) {
      if (outcome.verdicts === null) throw HttpError.badBody(outcome.errorText);
      this.sendVerdicts(exchange, outcome);
      return;
    }
    exchange.sendEmpty(204);
  }

  /** 400 with every line that was not stored, for clients that asked. */
  private sendVerdicts(exchange: Exchange, outcome: WriteOutcome): void {
    const body = {
      error: outcome.errorText,
      points: outcome.points,
      rejected: outcome.rejectedCount,
      dropped: outcome.dropped,
      lines: (outcome.verdicts ?? []).map(({ lineNumber, reason, text }) => ({
        line: lineNumber,
        reason,
        text,
      })),
    };
    exchange.send(400, VERDICTS_TYPE, `${JSON.stringify(body)}\n`);
  }
}

/** Clients that accept this are told line by line what was not stored. */
const VERDICTS_TYPE = 'application/vnd.tidegate.write+json';

/** Precisions of 2.x in the words of 1.x. */
const BUCKET_PRECISIONS: Readonly<Record<string, string>> = {
  '': 'ns',
  ns: 'ns',
  us: 'u',
  ms: 'ms',
  s: 's',
};

/** Database and retention policy of a bucket's name. Same as InfluxDB 1.8. @throws HttpError 404 where it names no database */
function splitBucket(bucket: string): [string, string] {
  const slash = bucket.indexOf('/');
  if (bucket === '') {
    throw HttpError.badBucket(
      'bucket name "" is missing a slash; not in "database/retention-policy" format',
    );
  }
  if (slash === 0) {
    throw HttpError.badBucket(
      `bucket name ${JSON.stringify(bucket)} is in db/rp form but has an empty database`,
    );
  }
  return slash < 0 ? [bucket, ''] : [bucket.slice(0, slash), bucket.slice(slash + 1)];
}

/** @throws HttpError 400 for a word that is no level */
function consistencyOf(word: string): ConsistencyLevel {
  switch (word.toLowerCase()) {
    case '':
    case 'one':
      return 'one';
    case 'any':
      return 'any';
    case 'quorum':
      return 'quorum';
    case 'all':
      return 'all';
    default:
      throw HttpError.badConsistency();
  }
}
