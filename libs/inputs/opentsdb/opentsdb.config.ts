/** The `[[opentsdb]]` sections: listeners for OpenTSDB's telnet and HTTP protocols. */
import {
  booleanKey,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  stringKey,
} from '#config';

/** Declaration of `[[opentsdb]]`, with InfluxDB 1.x's names. */
export const opentsdbSection = defineListSection({
  name: 'opentsdb',
  doc: "A listener for OpenTSDB's telnet and HTTP protocols on one port. May be repeated.",
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: 'Whether the listener runs.' }),
    bindAddress: stringKey('bind-address', ':4242', { doc: 'Address to listen on.' }),
    database: stringKey('database', 'opentsdb', {
      doc: 'Database to write to; created on demand.',
    }),
    retentionPolicy: stringKey('retention-policy', '', {
      doc: 'Retention policy to write to; empty means the default one.',
    }),
    consistencyLevel: stringKey('consistency-level', 'one', {
      doc: 'Copies that must acknowledge: "any", "one", "quorum" or "all".',
    }),
    isTlsEnabled: booleanKey('tls-enabled', false, { doc: 'Whether connections are encrypted.' }),
    certificatePath: stringKey('certificate', '/etc/ssl/influxdb.pem', {
      doc: 'PEM file of the certificate.',
    }),
    privateKeyPath: stringKey('private-key', '', {
      doc: "PEM file of the key; empty means it is in the certificate's file.",
    }),
    isCertificateInsecure: booleanKey('insecure-certificate', false, {
      doc: 'Whether the key may be readable by others.',
    }),
    batchSize: integerKey('batch-size', 1000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 5, { doc: 'Batches that may wait.' }),
    batchTimeoutMs: durationKey('batch-timeout', '1s', {
      doc: 'Longest wait for a batch to fill.',
    }),
    arePointErrorsLogged: booleanKey('log-point-errors', true, {
      doc: 'Whether each malformed point is logged.',
    }),
  },
});

/** Values of one `[[opentsdb]]`. */
export type OpentsdbConfig = SectionValues<typeof opentsdbSection>;
