/** The `[subscriber]` section: forwarding of accepted writes. */
import { existsSync } from 'node:fs';
import {
  booleanKey,
  choiceKey,
  defineSection,
  durationKey,
  integerKey,
  type SectionValues,
  sizeKey,
  stringKey,
} from '#config';

/** Declaration of `[subscriber]`, with InfluxDB 1.x's names. */
export const subscriberSection = defineSection({
  name: 'subscriber',
  doc: 'Subscriptions: every accepted write is forwarded to the destinations of CREATE SUBSCRIPTION.',
  keys: {
    isEnabled: booleanKey('enabled', true, { doc: 'Whether writes are forwarded.' }),
    httpTimeoutMs: durationKey('http-timeout', '30s', { doc: 'Time limit of one HTTP forward.' }),
    isVerificationSkipped: booleanKey('insecure-skip-verify', false, {
      doc: 'Whether certificates of HTTPS destinations are taken unchecked.',
    }),
    caCertsPath: stringKey('ca-certs', '', {
      doc: "PEM file of the authorities to trust; empty means the system's.",
    }),
    writeConcurrency: integerKey('write-concurrency', 40, {
      doc: 'Known for the sake of old files: a destination gets its writes in order, hence one request at a time.',
    }),
    writeBufferSize: integerKey('write-buffer-size', 1000, {
      doc: 'Writes that may wait for one destination, where queues are in memory.',
    }),
    bufferBytesMax: integerKey('total-buffer-bytes', 0, {
      doc: 'Bytes that may wait for all destinations together, shared out evenly; 0 leaves it to queue-max-bytes.',
    }),
    queueStorage: choiceKey('queue-storage', ['disk', 'memory'], {
      doc: 'Where writes wait: "disk" outlives the process, "memory" is as InfluxDB.',
      complaint: (word) => `unknown queue-storage ${word}: disk or memory`,
    }),
    queueDir: stringKey('queue-dir', '', {
      doc: 'Directory of the queues. Empty means beside the directory of metadata, under its name with "-queue" behind it.',
    }),
    queueBytesMax: sizeKey('queue-max-bytes', '1g', {
      doc: 'Bytes that may wait for one destination; what is kept for rewinding is within it. Suffixes k, m, g.',
    }),
    queueFullPolicy: choiceKey('queue-full-policy', ['drop-oldest', 'drop-newest', 'block'], {
      doc: 'When that is reached: "drop-oldest" or "drop-newest" writes, or "block" the writer (for write-timeout at most).',
      complaint: (word) => `unknown queue-full-policy ${word}: drop-oldest, drop-newest or block`,
    }),
    queueKeepMs: durationKey('queue-keep', '10m', {
      doc: 'How long writes stay on disk behind their delivery, for REWIND SUBSCRIPTION.',
    }),
    queueSyncIntervalMs: durationKey('queue-sync-interval', '1s', {
      doc: 'How often queues are synced to disk: a power loss may cost so much of what was to be forwarded (a killed process nothing). 0s syncs before each write is answered.',
    }),
    deadLetterBytesMax: sizeKey('dead-letter-max-bytes', '64m', {
      doc: 'Bytes kept of lines that destinations refuse; the oldest go first.',
    }),
    udpPayloadBytes: integerKey('udp-payload-size', 0, {
      doc: 'Bytes of lines put together into one UDP datagram, 1400 for example; 0 sends each line alone, as InfluxDB does.',
    }),
  },
  check(values) {
    if (!values.isEnabled) return null;
    if (values.httpTimeoutMs <= 0) return 'http-timeout must be greater than 0';
    if (values.caCertsPath !== '' && !existsSync(values.caCertsPath)) {
      return `ca-certs file ${values.caCertsPath} does not exist. Please specify a valid file`;
    }
    if (values.writeBufferSize <= 0) return 'write-buffer-size must be greater than 0';
    if (values.queueBytesMax <= 0) return 'queue-max-bytes must be greater than 0';
    if (values.udpPayloadBytes < 0) return 'udp-payload-size must not be negative';
    return values.writeConcurrency <= 0 ? 'write-concurrency must be greater than 0' : null;
  },
});

/** Values of `[subscriber]`. */
export type SubscriberConfig = SectionValues<typeof subscriberSection>;
