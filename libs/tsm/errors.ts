/** Operating errors of the storage engine. */
import { TidegateError } from '#kernel';

/** Something about a shard's files or its write path. Codes: `tsm.*`. */
export class TsmError extends TidegateError {}
