/** The `[subscriber]` section: forwarding of accepted writes. */
import { existsSync } from 'node:fs';
import {
  booleanKey,
  defineSection,
  durationKey,
  integerKey,
  type SectionValues,
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
      doc: 'Forwards of one subscription that may be under way at one time.',
    }),
    writeBufferSize: integerKey('write-buffer-size', 1000, {
      doc: 'Writes of one subscription that may wait.',
    }),
    bufferBytesMax: integerKey('total-buffer-bytes', 0, {
      doc: 'Bytes that may wait in all subscriptions together; 0 means no limit.',
    }),
  },
  check(values) {
    if (!values.isEnabled) return null;
    if (values.httpTimeoutMs <= 0) return 'http-timeout must be greater than 0';
    if (values.caCertsPath !== '' && !existsSync(values.caCertsPath)) {
      return `ca-certs file ${values.caCertsPath} does not exist. Please specify a valid file`;
    }
    if (values.writeBufferSize <= 0) return 'write-buffer-size must be greater than 0';
    return values.writeConcurrency <= 0 ? 'write-concurrency must be greater than 0' : null;
  },
});

/** Values of `[subscriber]`. */
export type SubscriberConfig = SectionValues<typeof subscriberSection>;
