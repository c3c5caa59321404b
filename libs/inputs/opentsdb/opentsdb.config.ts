/** The `[[opentsdb]]` sections: listeners for OpenTSDB's telnet and HTTP protocols. */
import {
  booleanKey,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  sizeKey,
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
      doc: 'Whether a key that other users may read is taken without a warning.',
    }),
    batchSize: integerKey('batch-size', 1000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 5, { doc: 'Batches that may wait.' }),
    batchTimeoutMs: durationKey('batch-timeout', '1s', {
      doc: 'Longest wait for a batch to fill.',
    }),
    arePointErrorsLogged: booleanKey('log-point-errors', true, {
      doc: 'Whether malformed points are logged, at most one a second.',
    }),
    areErrorsAnswered: booleanKey('answer-errors', true, {
      doc: 'Whether telnet senders are told what is wrong with a line, as OpenTSDB tells them; InfluxDB says nothing.',
    }),
    lineBytesMax: sizeKey('max-line-size', '64k', {
      doc: 'Longest telnet line; a longer one is skipped and counted.',
    }),
    bodyBytesMax: sizeKey('max-body-size', '25m', {
      doc: 'Largest body of /api/put, after decompression; a larger one is refused with 413.',
    }),
    connectionsMax: integerKey('max-connections', 10000, {
      doc: 'Connections open at one time; further ones are closed at once.',
    }),
    idleTimeoutMs: durationKey('idle-timeout', '0s', {
      doc: 'Connections that are silent for so long are closed; 0s means never, and 2m for HTTP.',
    }),
  },
});

/** Values of one `[[opentsdb]]`. */
export type OpentsdbConfig = SectionValues<typeof opentsdbSection>;
