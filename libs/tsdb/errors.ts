/** Operating errors of the store and its shards. */
import { TidegateError } from '#kernel';

/** Codes: `tsdb.*`. Texts are InfluxDB's. */
export class TsdbError extends TidegateError {}
