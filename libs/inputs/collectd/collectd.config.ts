/** The `[[collectd]]` sections: listeners for collectd's binary protocol. */
import {
  booleanKey,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  stringKey,
} from '#config';

/** Declaration of `[[collectd]]`, with InfluxDB 1.x's names. */
export const collectdSection = defineListSection({
  name: 'collectd',
  doc: "A listener for collectd's network plugin. May be repeated.",
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: 'Whether the listener runs.' }),
    bindAddress: stringKey('bind-address', ':25826', { doc: 'Address to listen on.' }),
    database: stringKey('database', 'collectd', {
      doc: 'Database to write to; created on demand.',
    }),
    retentionPolicy: stringKey('retention-policy', '', {
      doc: 'Retention policy to write to; empty means the default one.',
    }),
    batchSize: integerKey('batch-size', 5000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 10, { doc: 'Batches that may wait.' }),
    batchTimeoutMs: durationKey('batch-timeout', '10s', {
      doc: 'Longest wait for a batch to fill.',
    }),
    readBufferBytes: integerKey('read-buffer', 0, {
      doc: "Receive buffer in bytes; 0 means the system's default.",
    }),
    typesDbPath: stringKey('typesdb', '/usr/share/collectd/types.db', {
      doc: 'A types.db file, or a folder of such files.',
    }),
    securityLevel: stringKey('security-level', 'none', {
      doc: 'What packets must have at least: "none", "sign" or "encrypt".',
    }),
    authFilePath: stringKey('auth-file', '/etc/collectd/auth_file', {
      doc: 'Users and passwords, a line "user: password" each.',
    }),
    multiValuePlugin: stringKey('parse-multivalue-plugin', 'split', {
      doc: 'Whether the values of one list become measurements of their own ("split") or fields of one ("join").',
    }),
  },
  check(values) {
    if (!/^(none|sign|encrypt)$/.test(values.securityLevel)) return 'Invalid security level';
    return /^(split|join)$/.test(values.multiValuePlugin)
      ? null
      : 'Invalid value for parse-multivalue-plugin. Valid options are "split" and "join"';
  },
});

/** Values of one `[[collectd]]`. */
export type CollectdConfig = SectionValues<typeof collectdSection>;
