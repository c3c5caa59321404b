/** The `[[graphite]]` sections: listeners for Graphite's plaintext protocol. */
import {
  booleanKey,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  stringKey,
  stringListKey,
} from '#config';

/** Declaration of `[[graphite]]`, with InfluxDB 1.x's names. */
export const graphiteSection = defineListSection({
  name: 'graphite',
  doc: "A listener for Graphite's plaintext protocol. May be repeated.",
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: 'Whether the listener runs.' }),
    bindAddress: stringKey('bind-address', ':2003', { doc: 'Address to listen on.' }),
    database: stringKey('database', 'graphite', {
      doc: 'Database to write to; created on demand.',
    }),
    retentionPolicy: stringKey('retention-policy', '', {
      doc: 'Retention policy to write to; empty means the default one.',
    }),
    protocol: stringKey('protocol', 'tcp', { doc: 'Transport, "tcp" or "udp".' }),
    batchSize: integerKey('batch-size', 5000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 10, { doc: 'Batches that may wait.' }),
    batchTimeoutMs: durationKey('batch-timeout', '1s', {
      doc: 'Longest wait for a batch to fill.',
    }),
    consistencyLevel: stringKey('consistency-level', 'one', {
      doc: 'Copies that must acknowledge: "any", "one", "quorum" or "all".',
    }),
    separator: stringKey('separator', '.', {
      doc: 'Joins the parts of a name that a template assigns to one word.',
    }),
    udpReadBufferBytes: integerKey('udp-read-buffer', 0, {
      doc: 'Receive buffer in bytes for "udp"; 0 means the system\'s default.',
    }),
    tags: stringListKey('tags', {
      doc: 'Tags that every point gets, ["region=us-east", "zone=1c"].',
    }),
    templates: stringListKey('templates', {
      doc: 'How names become measurements and tags: "[filter] template [tag=value,...]", the most specific filter wins.',
    }),
  },
});

/** Values of one `[[graphite]]`. */
export type GraphiteConfig = SectionValues<typeof graphiteSection>;
