/** The top of the file, `[logging]`, and the sections of parts that Tidegate does not have but InfluxDB's files name. */
import {
  booleanKey,
  choiceKey,
  defineSection,
  integerKey,
  type SectionValues,
  stringKey,
} from '#config';

/** Declaration of the keys outside any section. */
export const topSection = defineSection({
  name: '',
  doc: '',
  keys: {
    isReportingDisabled: booleanKey('reporting-disabled', false, {
      doc: 'Known from InfluxDB. Tidegate never reports anything to anyone, whatever stands here.',
    }),
    isReportingEnabled: booleanKey('reporting-enabled', false, {
      doc: "Known from Debian's InfluxDB. Tidegate never reports anything to anyone, whatever stands here.",
    }),
    bindAddress: stringKey('bind-address', '127.0.0.1:8088', {
      doc: 'Address of the service for backup and restore.',
    }),
  },
});

/** Declaration of `[logging]`, with InfluxDB 1.x's names. */
export const loggingSection = defineSection({
  name: 'logging',
  doc: "The server's log, on standard error.",
  keys: {
    format: stringKey('format', 'auto', {
      doc: 'Form of the lines: "logfmt", "json", or "auto" (logfmt).',
    }),
    level: choiceKey('level', ['info', 'debug', 'warn', 'error'], {
      doc: 'Least level that is logged: "debug", "info", "warn" or "error".',
      complaint: (word) => `unrecognized level: ${JSON.stringify(word)}`,
    }),
    isLogoSuppressed: booleanKey('suppress-logo', false, {
      doc: 'Known from InfluxDB; Tidegate prints no logo.',
    }),
  },
  check: (values) =>
    /^(auto|logfmt|json|console)?$/.test(values.format)
      ? null
      : `unknown logging format: ${values.format}`,
});

const absent = 'Known from InfluxDB; changes nothing here.';

/** Declaration of `[ifql]`, the read service of InfluxDB 1.4 to 1.6, which Tidegate does not have. */
export const ifqlSection = defineSection({
  name: 'ifql',
  doc: 'The read service of InfluxDB 1.4 to 1.6. Tidegate has none.',
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: absent }),
    isLogEnabled: booleanKey('log-enabled', true, { doc: absent }),
    bindAddress: stringKey('bind-address', ':8082', { doc: absent }),
  },
});

/** Declaration of `[storage]`, that service's name in InfluxDB 1.5. */
export const storageSection = defineSection({
  name: 'storage',
  doc: 'Another name of the same service. Tidegate has none.',
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: absent }),
    isLogEnabled: booleanKey('log-enabled', true, { doc: absent }),
    bindAddress: stringKey('bind-address', ':8082', { doc: absent }),
  },
});

/** Declaration of `[flux-controller]`, limits of Flux in InfluxDB 1.8 and later. */
export const fluxControllerSection = defineSection({
  name: 'flux-controller',
  doc: 'Limits of Flux queries. Tidegate has no Flux.',
  keys: {
    queryConcurrency: integerKey('query-concurrency', 0, { doc: absent }),
    queryInitialMemoryBytes: integerKey('query-initial-memory-bytes', 0, { doc: absent }),
    queryMaxMemoryBytes: integerKey('query-max-memory-bytes', 0, { doc: absent }),
    totalMaxMemoryBytes: integerKey('total-max-memory-bytes', 0, { doc: absent }),
    queryQueueSize: integerKey('query-queue-size', 0, { doc: absent }),
  },
});

/** Declaration of `[admin]`, the web console of InfluxDB up to 1.2. */
export const adminSection = defineSection({
  name: 'admin',
  doc: 'The web console of InfluxDB up to 1.2.',
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: absent }),
    bindAddress: stringKey('bind-address', ':8083', { doc: absent }),
    isHttpsEnabled: booleanKey('https-enabled', false, { doc: absent }),
    httpsCertificatePath: stringKey('https-certificate', '/etc/ssl/influxdb.pem', { doc: absent }),
  },
});

/** Values of `[logging]`. */
export type LoggingConfig = SectionValues<typeof loggingSection>;
