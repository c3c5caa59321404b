/**
 * Logging as a port: a level, a fixed phrase, and fields. apps/tidegate binds it to pino; tests to a recorder.
 */

/** Values that a log line may carry beside its phrase. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | bigint | null | undefined>
>;

/** Where a part reports start, stop, degradation and loss. Never called per point or per packet. */
export interface Logger {
  debug(phrase: string, fields?: LogFields): void;
  info(phrase: string, fields?: LogFields): void;
  warn(phrase: string, fields?: LogFields): void;
  error(phrase: string, fields?: LogFields): void;
  /** A logger that adds `fields` to each of its lines. */
  with(fields: LogFields): Logger;
}

/** A logger that drops everything. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};
