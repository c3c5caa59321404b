/** Operating errors of scheduled jobs. */
import { TidegateError } from '#kernel';

/** Codes: `jobs.*`. Texts are InfluxDB's where it has one. */
export class JobsError extends TidegateError {}
