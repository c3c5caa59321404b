/**
 * Errors of the HTTP server: requests refused before they reach another part. Their codes stand in `status-table.ts`.
 */
import { TidegateError } from '#kernel';

/** A refused request. The message is the text of the answer, InfluxDB 1.x's where it has one. */
export class HttpError extends TidegateError {
  static missingQuery(): HttpError {
    return new HttpError('httpd.bad-request', 'missing required parameter "q"');
  }

  static badParse(message: string, cause: unknown): HttpError {
    return new HttpError('httpd.bad-request', `error parsing query: ${message}`, { cause });
  }

  static badParameters(message: string): HttpError {
    return new HttpError('httpd.bad-request', message);
  }

  static busyProfiling(): HttpError {
    return new HttpError('httpd.bad-request', 'another profile is being taken');
  }

  static databaseRequired(): HttpError {
    return new HttpError('httpd.bad-request', 'database is required');
  }

  static databaseNotFound(name: string): HttpError {
    return new HttpError('httpd.database-not-found', `database not found: ${JSON.stringify(name)}`);
  }

  /** A bucket of 2.x that names no database. */
  static badBucket(message: string): HttpError {
    return new HttpError('httpd.database-not-found', message);
  }

  static fluxNotSupported(): HttpError {
    return new HttpError(
      'httpd.forbidden',
      'Flux is not supported: send InfluxQL to /query instead',
    );
  }

  static badConsistency(): HttpError {
    return new HttpError('httpd.bad-request', 'invalid consistency level');
  }

  /** The body is no gzip, or not all of one; the text is Go's. */
  static badBody(message: string, cause?: unknown): HttpError {
    return new HttpError('httpd.bad-request', message, { cause });
  }

  /** The client went away while it sent the body. */
  static clientGone(): HttpError {
    return new HttpError('httpd.bad-request', 'unexpected EOF');
  }

  static bodyTooLarge(): HttpError {
    return new HttpError('httpd.body-too-large', 'Request Entity Too Large');
  }

  /** 401, with the challenge. */
  static unauthorized(message: string): HttpError {
    return new HttpError('httpd.unauthorized', message);
  }

  /** 403. */
  static forbidden(message: string): HttpError {
    return new HttpError('httpd.forbidden', message);
  }

  static notReady(): HttpError {
    return new HttpError('httpd.not-ready', 'server is starting');
  }

  static throttled(reason: 'queue full' | 'exceeds timeout'): HttpError {
    return new HttpError('httpd.throttled', `request throttled, ${reason}`);
  }
}
