/** The `[monitor]` section: statistics of the server itself. */
import { booleanKey, defineSection, durationKey, type SectionValues, stringKey } from '#config';

/** Declaration of `[monitor]`, with InfluxDB 1.x's names. */
export const monitorSection = defineSection({
  name: 'monitor',
  doc: 'Statistics of the server itself, written into a database of its own.',
  keys: {
    isStoreEnabled: booleanKey('store-enabled', false, { doc: 'Whether statistics are stored.' }),
    storeDatabase: stringKey('store-database', '_internal', {
      doc: 'Database of the statistics; created on demand with a retention policy of 7 days.',
    }),
    storeIntervalMs: durationKey('store-interval', '10s', { doc: 'Time between two records.' }),
  },
  check(values) {
    if (!values.isStoreEnabled) return null;
    if (values.storeIntervalMs <= 0) return 'monitor store interval must be positive';
    return values.storeDatabase === '' ? 'monitor store database name must not be empty' : null;
  },
});

/** Values of `[monitor]`. */
export type MonitorConfig = SectionValues<typeof monitorSection>;
