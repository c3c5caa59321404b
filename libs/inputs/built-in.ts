/** The inputs that Tidegate comes with. A further one adds its definition here; a plugin hands in its own. */
import { graphiteInput } from './graphite/graphite.input.js';
import { opentsdbInput } from './opentsdb/opentsdb.input.js';
import type { InputDefinition } from './shared/input.js';
import { udpInput } from './udp/udp.input.js';

/** In the order in which they open. */
export const builtInInputs: readonly InputDefinition[] = [graphiteInput, opentsdbInput, udpInput];
