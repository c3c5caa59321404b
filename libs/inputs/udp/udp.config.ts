/** The `[[udp]]` sections: listeners for line protocol in datagrams. */
import {
  booleanKey,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  stringKey,
} from '#config';

const WRITERS_MAX = 256;

/** Declaration of `[[udp]]`, with InfluxDB 1.x's names. */
export const udpSection = defineListSection({
  name: 'udp',
  doc: 'A listener for line protocol over UDP. May be repeated.',
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: 'Whether the listener runs.' }),
    bindAddress: stringKey('bind-address', ':8089', { doc: 'Address to listen on.' }),
    database: stringKey('database', 'udp', { doc: 'Database to write to; created on demand.' }),
    retentionPolicy: stringKey('retention-policy', '', {
      doc: 'Retention policy to write to; it must exist. Empty means the default one.',
    }),
    batchSize: integerKey('batch-size', 5000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 10, { doc: 'Batches that may wait.' }),
    readBufferBytes: integerKey('read-buffer', 0, {
      doc: "Receive buffer in bytes; 0 means the system's default.",
    }),
    batchTimeoutMs: durationKey('batch-timeout', '1s', {
      doc: 'Longest wait for a batch to fill.',
    }),
    precision: stringKey('precision', '', {
      doc: 'Unit of times: "", "n", "u", "ms", "s", "m" or "h"; empty means nanoseconds.',
    }),
    writersMax: integerKey('writers', 1, {
      doc: 'Batches that may be written at one time. With more than one, of two values for one series and time the earlier may stay.',
    }),
  },
  check: ({ writersMax }) =>
    writersMax >= 1 && writersMax <= WRITERS_MAX
      ? null
      : `udp writers must be between 1 and ${WRITERS_MAX}`,
});

/** Values of one `[[udp]]`. */
export type UdpConfig = SectionValues<typeof udpSection>;
