/**
 * Errors of running a query. Texts that InfluxDB 1.x clients may match are its own.
 */
import { TidegateError } from '#kernel';

/** A statement that cannot be run as it stands; answered inside the result. */
export class QueryError extends TidegateError {
  constructor(message: string, code = 'query.invalid') {
    super(code, message);
  }
}

/** A limit of the configuration was passed. */
export class QueryLimitError extends TidegateError {
  constructor(message: string) {
    super('query.limit', message);
  }
}

/** The query was killed, ran into its time limit, or its client is gone. */
export class QueryInterruptedError extends TidegateError {
  constructor(message = 'query interrupted') {
    super('query.interrupted', message);
  }
}

/** A query that looks at more series than are looked at in a thread that others wait for; never told to clients. */
export class LongQueryError extends TidegateError {
  constructor() {
    super('query.long', 'query is too long for this thread');
  }
}
