/** The inputs that Tidegate comes with. A further one adds its definition here; a plugin hands in its own. */
import { collectdInput } from './collectd/collectd.input.js';
import { graphiteInput } from './graphite/graphite.input.js';
import { opentsdbInput } from './opentsdb/opentsdb.input.js';
import type { InputDefinition } from './shared/input.js';
import { udpInput } from './udp/udp.input.js';

/** In the order in which they open. */
export const builtInInputs: readonly InputDefinition[] = [
  collectdInput,
  graphiteInput,
  opentsdbInput,
  udpInput,
];
