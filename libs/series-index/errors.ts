/** Operating errors of the series index. */
import { TidegateError } from '#kernel';

/** Codes: `series-index.*`. */
export class SeriesIndexError extends TidegateError {}
