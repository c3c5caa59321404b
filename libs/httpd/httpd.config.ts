/** The `[http]` and `[tls]` sections: the HTTP server. */
import {
  booleanKey,
  defineSection,
  durationKey,
  fileModeKey,
  integerKey,
  type SectionValues,
  stringKey,
  stringListKey,
  stringTableKey,
} from '#config';

/** Declaration of `[http]`, with InfluxDB 1.x's names. */
export const httpSection = defineSection({
  name: 'http',
  doc: 'The HTTP server: /write, /query, /ping and the rest.',
  keys: {
    isEnabled: booleanKey('enabled', true, { doc: 'Whether the server runs.' }),
    bindAddress: stringKey('bind-address', ':8086', {
      doc: 'Address to listen on, "host:port"; no host means all.',
    }),
    isAuthEnabled: booleanKey('auth-enabled', false, { doc: 'Whether requests need a user.' }),
    realm: stringKey('realm', 'InfluxDB', {
      doc: 'Realm of the challenge for basic authentication.',
    }),
    isLogEnabled: booleanKey('log-enabled', true, { doc: 'Whether requests are logged.' }),
    isWriteLogSuppressed: booleanKey('suppress-write-log', false, {
      doc: 'Whether writes are left out of that log.',
    }),
    accessLogPath: stringKey('access-log-path', '', {
      doc: 'File of that log; empty means standard error.',
    }),
    accessLogStatusFilters: stringListKey('access-log-status-filters', {
      doc: 'Which statuses are logged, ["4xx", "50X"]; empty means all.',
    }),
    isWriteTraced: booleanKey('write-tracing', false, {
      doc: 'Whether bodies of writes are logged: the first 64 KiB of each.',
    }),
    isPprofEnabled: booleanKey('pprof-enabled', true, {
      doc: 'Whether profiles are served under /debug/pprof.',
    }),
    isPprofAuthEnabled: booleanKey('pprof-auth-enabled', false, {
      doc: 'Whether the /debug routes need an admin user.',
    }),
    isDebugPprofEnabled: booleanKey('debug-pprof-enabled', false, {
      doc: 'Known from InfluxDB; changes nothing here: profiles are under /debug/pprof.',
    }),
    isPingAuthEnabled: booleanKey('ping-auth-enabled', false, {
      doc: 'Whether /ping, /status and /metrics need a user.',
    }),
    isPromReadAuthEnabled: booleanKey('prom-read-auth-enabled', true, {
      doc: 'Whether remote read needs READ on the database, where auth-enabled is on; InfluxDB has false, which lets every user read every database.',
    }),
    isHttpsEnabled: booleanKey('https-enabled', false, {
      doc: 'Whether connections are encrypted.',
    }),
    httpsCertificatePath: stringKey('https-certificate', '/etc/ssl/influxdb.pem', {
      doc: 'PEM file of the certificate.',
    }),
    httpsPrivateKeyPath: stringKey('https-private-key', '', {
      doc: "PEM file of the key; empty means it is in the certificate's file.",
    }),
    isHttpsCertificateInsecure: booleanKey('https-insecure-certificate', false, {
      doc: 'Whether a key that other users may read is taken without a warning.',
    }),
    sharedSecret: stringKey('shared-secret', '', {
      doc: 'Secret of JSON web tokens; empty refuses them.',
    }),
    rowLimitMax: integerKey('max-row-limit', 0, {
      doc: 'Rows an answer that is not chunked may have; 0 means no limit.',
    }),
    connectionLimitMax: integerKey('max-connection-limit', 0, {
      doc: 'Connections that may be open; 0 means no limit.',
    }),
    isUnixSocketEnabled: booleanKey('unix-socket-enabled', false, {
      doc: 'Whether a Unix socket is served too.',
    }),
    unixSocketPath: stringKey('bind-socket', '/var/run/influxdb.sock', {
      doc: 'Path of that socket.',
    }),
    unixSocketMode: fileModeKey('unix-socket-permissions', '0777', {
      doc: 'Permissions of that socket.',
    }),
    unixSocketGroup: stringKey('unix-socket-group', '', {
      doc: 'Group id of that socket; empty leaves it.',
    }),
    bodySizeMaxBytes: integerKey('max-body-size', 25_000_000, {
      doc: "Bytes a request's body may have, after decompression; 0 means no limit.",
    }),
    concurrentWritesMax: integerKey('max-concurrent-write-limit', 0, {
      doc: 'Writes that may be under way; 0 means no limit.',
    }),
    enqueuedWritesMax: integerKey('max-enqueued-write-limit', 0, {
      doc: 'Writes that may wait for their turn; 0 means no limit.',
    }),
    enqueuedWriteTimeoutMs: durationKey('enqueued-write-timeout', '30s', {
      doc: 'How long a write may wait for its turn.',
    }),
    isFluxEnabled: booleanKey('flux-enabled', false, {
      doc: 'Known from InfluxDB; Flux is not supported.',
    }),
    isFluxLogEnabled: booleanKey('flux-log-enabled', false, {
      doc: 'Known from InfluxDB; Flux is not supported.',
    }),
    isFluxTestingEnabled: booleanKey('flux-testing', false, {
      doc: 'Known from InfluxDB; Flux is not supported.',
    }),
    areQueryBytesPerUser: booleanKey('user-query-bytes-enabled', false, {
      doc: 'Whether bytes of answers are counted per user.',
    }),
    headers: stringTableKey('headers', { doc: 'Headers that every answer gets.' }),
  },
});

/** Declaration of `[tls]`, with InfluxDB 1.x's names. */
export const tlsSection = defineSection({
  name: 'tls',
  doc: 'Settings of every encrypted listener.',
  keys: {
    ciphers: stringListKey('ciphers', {
      doc: "Cipher suites by their Go names; empty means Node's.",
    }),
    versionMin: stringKey('min-version', '', {
      doc: 'Lowest TLS version, "tls1.2"; empty means Node\'s.',
    }),
    versionMax: stringKey('max-version', '', { doc: "Highest TLS version; empty means Node's." }),
    isStrict: booleanKey('strict-ciphers', false, {
      doc: 'Known from InfluxDB; changes nothing here.',
    }),
  },
  check(values) {
    for (const version of [values.versionMin, values.versionMax]) {
      if (version !== '' && !/^(ssl3\.0|(tls)?1\.[0-3])$/i.test(version)) {
        return `unknown tls version: ${JSON.stringify(version)}. available versions: SSL3.0, TLS1.0, TLS1.1, TLS1.2, TLS1.3`;
      }
    }
    return null;
  },
});

/** Values of `[http]`. */
export type HttpConfig = SectionValues<typeof httpSection>;
/** Values of `[tls]`. */
export type TlsConfig = SectionValues<typeof tlsSection>;
