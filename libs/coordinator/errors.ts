/** Operating errors of writing and of executing statements. */
import { TidegateError } from '#kernel';

/** Codes: `coordinator.*`. Texts are InfluxDB's. */
export class CoordinatorError extends TidegateError {}
