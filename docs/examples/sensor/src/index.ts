/** What Tidegate imports: the input's section of the configuration, and how one is made of a table of it. */
import {
  defineInput,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  stringKey,
} from 'tidegate/inputs';
import { SensorInput } from './sensor-input.js';

const section = defineListSection({
  name: 'sensor',
  doc: 'A listener for readings of sensors: sensor;room;value[;seconds], one a line.',
  keys: {
    bindAddress: stringKey('bind-address', ':9070', { doc: 'Address to listen on.' }),
    database: stringKey('database', 'sensors', { doc: 'Database to write to.' }),
    retentionPolicy: stringKey('retention-policy', '', { doc: 'Empty means the default one.' }),
    batchSize: integerKey('batch-size', 1000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 10, { doc: 'Batches that may wait.' }),
    batchTimeoutMs: durationKey('batch-timeout', '1s', {
      doc: 'Longest wait for a batch to fill.',
    }),
  },
  check: ({ database }) => (database === '' ? 'database must not be empty' : null),
});

export type SensorConfig = SectionValues<typeof section>;

export const input = defineInput({
  section,
  create: (config, context) => new SensorInput(config, context),
});
