/**
 * What can go wrong with bytes: they do not decode, or a value has no encoding. Nothing else is thrown on purpose here.
 */
import { TidegateError } from '#kernel';

/** Bytes that do not decode. `offset` is a position in the array that was given to the decoder. */
export class CorruptionError extends TidegateError {
  readonly offset: number;

  /**
   * @param attempt what was being done, for example `decode times`
   * @param offset position of the fault in the decoder's input
   * @param reason what was found there
   */
  constructor(
    attempt: string,
    offset: number,
    reason: string,
    options?: { readonly cause?: unknown },
  ) {
    super('encoding.corrupt', `cannot ${attempt} at offset ${offset}: ${reason}`, options);
    this.offset = offset;
  }
}

/** A value that the format has no bytes for: NaN in a float block. */
export class UnsupportedValueError extends TidegateError {
  constructor(reason: string) {
    super('encoding.unsupported-value', reason);
  }
}
