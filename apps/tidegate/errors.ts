/** Errors of starting and stopping the server. */
import { messageOf, TidegateError } from '#kernel';

/** Why the server could not start or stop. */
export class ServerError extends TidegateError {
  /** A part of the server did not open. */
  static opening(part: string, cause: unknown): ServerError {
    return new ServerError('server.open', `open ${part}: ${messageOf(cause)}`, { cause });
  }
}
