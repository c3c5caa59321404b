/**
 * The two kinds of failure: operating errors, which callers handle, and broken invariants, which end the process.
 * Every library derives its own errors from TidegateError; only httpd turns a code into an HTTP status.
 */

/** An error of operation: bad input, a full disk, an unknown database. `code` is stable and never shown to clients. */
export class TidegateError extends Error {
  readonly code: string;

  /**
   * @param code stable identifier, `lib.reason`, for example `meta.database-not-found`
   * @param message complete text for a person; texts that InfluxDB 1.x clients match are kept byte for byte
   */
  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** A programming error: something the code itself guarantees did not hold. Never caught, except to log and exit. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Ends the current call with an {@link InvariantError} when `condition` is false. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown)
    return String(thrown.message);
  return String(thrown);
}
