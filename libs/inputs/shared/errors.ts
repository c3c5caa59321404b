/** Operating errors of the inputs. */
import { TidegateError } from '#kernel';

/** Codes: `inputs.*`. Texts are InfluxDB's where it has one. */
export class InputError extends TidegateError {}
