/** The `[data]` section: where points are kept and how the engine treats them. */
import {
  booleanKey,
  defineSection,
  durationKey,
  integerKey,
  type SectionValues,
  sizeKey,
  stringKey,
} from '#config';

/** Declaration of `[data]`, with InfluxDB 1.x's names. */
export const dataSection = defineSection({
  name: 'data',
  doc: 'Storage: the TSM engine, its write-ahead log, cache and compactions.',
  keys: {
    dir: stringKey('dir', '', {
      doc: 'Directory of the TSM files, one folder a database. Must be given.',
      sample: '"/var/lib/tidegate/data"',
    }),
    walDir: stringKey('wal-dir', '', {
      doc: 'Directory of the write-ahead log. Must be given.',
      sample: '"/var/lib/tidegate/wal"',
    }),
    indexDir: stringKey('index-dir', '', {
      doc: 'Directory of the series index, one folder a database. Empty means beside the directory of the TSM files, under its name with "-index" behind it. Not to be inside it: InfluxDB takes any folder there for a database. What is in it is made anew when it is lost.',
    }),
    indexVersion: stringKey('index-version', 'inmem', {
      doc: 'Kind of series index, "inmem" or "tsi1". Both mean Tidegate\'s own index; a shard that came with a tsi1 index opens either way.',
    }),
    walFsyncDelayMs: durationKey('wal-fsync-delay', '0s', {
      doc: 'How long a write may wait so that others share its fsync. 0s syncs at once; writes that arrive during a sync share the next one.',
    }),
    isTraceLoggingEnabled: booleanKey('trace-logging-enabled', false, {
      doc: 'Whether the engine logs each step of its work.',
    }),
    isQueryLogEnabled: booleanKey('query-log-enabled', true, {
      doc: 'Whether each query is logged before it runs, passwords redacted.',
    }),
    isIngressByMeasurementCounted: booleanKey('ingress-metric-by-measurement-enabled', false, {
      doc: 'Whether points written are counted per measurement.',
    }),
    isIngressByLoginCounted: booleanKey('ingress-metric-by-login-enabled', false, {
      doc: 'Whether points written are counted per user.',
    }),
    isErrorHandlingStrict: booleanKey('strict-error-handling', false, {
      doc: 'Whether SELECT INTO fails on an infinite value; otherwise such points are left out.',
    }),
    areKeysValidated: booleanKey('validate-keys', false, {
      doc: 'Whether points whose keys are not valid printable Unicode are refused.',
    }),
    isFieldSizeCheckSkipped: booleanKey('skip-field-size-validation', false, {
      doc: 'Whether fields longer than 1 MiB are accepted.',
    }),
    cacheMaxMemorySizeBytes: sizeKey('cache-max-memory-size', '1g', {
      doc: "Size of a shard's cache from which writes to it are refused until it is flushed. Suffixes k, m, g.",
    }),
    cacheSnapshotMemorySizeBytes: sizeKey('cache-snapshot-memory-size', '25m', {
      doc: "Size of a shard's cache from which it is written to a TSM file.",
    }),
    cacheSnapshotWriteColdDurationMs: durationKey('cache-snapshot-write-cold-duration', '10m', {
      doc: 'A cache that got no write for this long is written to a TSM file.',
    }),
    compactFullWriteColdDurationMs: durationKey('compact-full-write-cold-duration', '4h', {
      doc: 'A shard that got no write for this long is compacted fully.',
    }),
    concurrentCompactionsMax: integerKey('max-concurrent-compactions', 0, {
      doc: 'Compactions that may run at one time; 0 means half the processors.',
    }),
    concurrentDeletesMax: integerKey('max-concurrent-deletes', 1, {
      doc: 'Deletions that may run in a shard at one time.',
    }),
    compactThroughputBytes: sizeKey('compact-throughput', '48m', {
      doc: 'Bytes a second that compactions may write.',
    }),
    compactThroughputBurstBytes: sizeKey('compact-throughput-burst', '48m', {
      doc: 'Bytes that compactions may write at once beyond the rate.',
    }),
    aggressivePointsPerBlock: integerKey('aggressive-points-per-block', 10000, {
      doc: 'Known from later versions of InfluxDB, where files that resist compaction get blocks of so many points. It changes nothing: a block has at most 1000 here, which every InfluxDB 1.x expects, and no compaction leaves files that need it.',
    }),
    isWillNeedAdvised: booleanKey('tsm-use-madv-willneed', false, {
      doc: 'Known from InfluxDB; files are not memory-mapped here, so it changes nothing.',
    }),
    seriesPerDatabaseMax: integerKey('max-series-per-database', 1_000_000, {
      doc: 'Series a database may hold; points of further series are dropped. 0 means no limit.',
    }),
    valuesPerTagMax: integerKey('max-values-per-tag', 100_000, {
      doc: 'Values a tag may have in a measurement; points with further values are dropped. 0 means no limit.',
    }),
    indexLogFileSizeMaxBytes: sizeKey('max-index-log-file-size', '1m', {
      doc: "Size of the index' log from which it is compacted.",
    }),
    seriesIdSetCacheSize: integerKey('series-id-set-cache-size', 100, {
      doc: 'Tag predicates whose sets of series are kept ready.',
    }),
    seriesFileSnapshotCompactionsMax: integerKey(
      'series-file-max-concurrent-snapshot-compactions',
      0,
      {
        doc: 'Known from InfluxDB; there is no series file here, so it changes nothing.',
      },
    ),
    tarStreamBufferSizeBytes: sizeKey('tar-stream-buffer-size', '1048576', {
      doc: 'Buffer of backup streams.',
    }),
  },
  check(values) {
    if (values.dir === '') return 'Data.Dir must be specified';
    if (values.walDir === '') return 'Data.WALDir must be specified';
    if (`${values.indexDir}/`.startsWith(`${values.dir.replace(/\/+$/, '')}/`))
      return 'Data.IndexDir must not be inside Data.Dir';
    return /^(inmem|tsi1)$/.test(values.indexVersion)
      ? null
      : `unrecognized index ${values.indexVersion}`;
  },
});

/** Values of `[data]`. */
export type DataConfig = SectionValues<typeof dataSection>;
