/** The `[meta]` section: where databases, policies, users and shard groups are kept. */
import { booleanKey, defineSection, type SectionValues, stringKey } from '#config';

/** Declaration of `[meta]`, with InfluxDB 1.x's names. */
export const metaSection = defineSection({
  name: 'meta',
  doc: 'Metadata: databases, retention policies, shard groups, users, continuous queries, subscriptions.',
  keys: {
    dir: stringKey('dir', '', {
      doc: 'Directory of meta.db. Must be given.',
      sample: '"/var/lib/tidegate/meta"',
    }),
    isRetentionAutocreated: booleanKey('retention-autocreate', true, {
      doc: 'Whether a new database gets the retention policy "autogen" (infinite, one copy).',
    }),
    isLoggingEnabled: booleanKey('logging-enabled', true, {
      doc: 'Whether changes of metadata are logged.',
    }),
  },
  check: (values) => (values.dir === '' ? 'Meta.Dir must be specified' : null),
});

/** Values of `[meta]`. */
export type MetaConfig = SectionValues<typeof metaSection>;
