/** Errors of the command line: wrong flags and paths. */
import { TidegateError } from '#kernel';

/** What a person typed does not make sense. */
export class CommandError extends TidegateError {
  constructor(message: string) {
    super('cli.usage', message);
  }
}
