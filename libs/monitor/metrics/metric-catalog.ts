/**
 * The metrics of every part whose counters are known. Numbers that are not listed here become gauges that bear their own
 * names, so that nothing a part counts is missing.
 */
import { inputFields, inputLabels, prometheusFields } from './input-metrics.js';
import { counter, gauge, type PartMetrics, secondsCounter } from './metric-definition.js';
import {
  cq,
  precreation,
  retention,
  subscriber,
  subscriberDestination,
  subscriberQueue,
} from './service-metrics.js';

const http: PartMetrics = {
  labels: {},
  fields: {
    req: counter('http_requests', 'Requests received.'),
    queryReq: counter('http_query_requests', 'Requests to /query.'),
    writeReq: counter('http_write_requests', 'Requests to /write and /api/v2/write.'),
    pingReq: counter('http_ping_requests', 'Requests to /ping.'),
    statusReq: counter('http_status_requests', 'Requests to /status.'),
    promWriteReq: counter('http_prometheus_write_requests', 'Remote writes of Prometheus.'),
    promReadReq: counter('http_prometheus_read_requests', 'Remote reads of Prometheus.'),
    fluxQueryReq: counter('http_flux_query_requests', 'Requests of Flux.'),
    fluxQueryReqDurationNs: secondsCounter('http_flux_query', 'Time spent on requests of Flux.'),
    fluxQueryRespBytes: counter('http_flux_query_response_bytes', 'Bytes of answers to Flux.'),
    writeReqBytes: counter('http_write_request_bytes', 'Bytes of bodies of writes, unpacked.'),
    queryRespBytes: counter('http_query_response_bytes', 'Bytes of answers to queries.'),
    pointsWrittenOK: counter('http_points_written', 'Points of HTTP writes that are on disk.'),
    valuesWrittenOK: counter('http_values_written', 'Values of HTTP writes that are on disk.'),
    pointsWrittenDropped: counter('http_points_dropped', 'Points that storage refused.'),
    pointsWrittenFail: counter('http_points_rejected', 'Lines that could not be read.'),
    authFail: counter('http_authentication_failures', 'Requests without right credentials.'),
    reqDurationNs: secondsCounter('http_request_handling', 'Time spent on requests.'),
    queryReqDurationNs: secondsCounter('http_query_handling', 'Time spent on queries.'),
    writeReqDurationNs: secondsCounter('http_write_handling', 'Time spent on writes.'),
    reqActive: gauge('http_requests_active', 'Requests being served.'),
    writeReqActive: gauge('http_write_requests_active', 'Writes being served.'),
    clientError: counter('http_client_errors', 'Answers with a status of 400 to 499.'),
    serverError: counter('http_server_errors', 'Answers with a status of 500 and above.'),
    recoveredPanics: counter('http_unexpected_failures', 'Requests that ended in a fault of ours.'),
  },
};

const write: PartMetrics = {
  labels: {},
  fields: {
    req: counter('write_batches', 'Batches handed to storage.'),
    pointReq: counter('write_points', 'Points handed to storage.'),
    pointReqLocal: counter('write_points_stored', 'Points stored.'),
    pointReqFail: counter('write_points_failed', 'Points of writes that ended in an error.'),
    writeOk: counter('write_batches_stored', 'Batches stored, in full or in part.'),
    writeDrop: counter('write_points_dropped', 'Points refused: retention, types, limits.'),
    writeTimeout: counter('write_timeouts', 'Writes that took longer than write-timeout.'),
    writeError: counter('write_errors', 'Batches that ended in an error.'),
    subWriteOk: counter('write_subscriber_batches', 'Batches handed to subscribers.'),
    subWriteDrop: counter('write_subscriber_batches_dropped', 'Batches lost for subscribers.'),
    writeWindowWarn: counter('write_window_points_stored', 'Points stored outside the window.'),
    writeWindowDrop: counter('write_window_points_dropped', 'Points refused outside the window.'),
  },
};

const shardLabels = { database: 'database', retentionPolicy: 'retention_policy' };

const shard: PartMetrics = {
  labels: shardLabels,
  fields: {
    writeReq: counter('shard_writes', 'Writes to shards.'),
    writeReqOk: counter('shard_writes_ok', 'Writes to shards that are durable.'),
    writeReqErr: counter('shard_writes_failed', 'Writes to shards that failed.'),
    seriesCreate: counter('shard_series_created', 'Series made by writes.'),
    fieldsCreate: counter('shard_fields_created', 'Fields made by writes.'),
    writePointsOk: counter('shard_points_written', 'Points stored.'),
    writePointsErr: counter('shard_points_failed', 'Points of writes that failed.'),
    writePointsDropped: counter('shard_points_dropped', 'Points refused.'),
    writeValuesOk: counter('shard_values_written', 'Values stored.'),
    writeBytes: counter('shard_written_bytes', 'Bytes written to the log.'),
    diskBytes: gauge('shard_disk_bytes', 'Bytes of files and log.'),
  },
};

/** InfluxDB's prefixes of compactions by the label they get here. */
const COMPACTIONS: Readonly<Record<string, string>> = {
  tsmLevel1: 'level1',
  tsmLevel2: 'level2',
  tsmLevel3: 'level3',
  tsmFull: 'full',
  tsmOptimize: 'optimize',
};

const engine: PartMetrics = {
  labels: shardLabels,
  fields: {
    cacheCompactions: counter('cache_snapshots', 'Caches written to files.'),
    cacheCompactionErr: counter('cache_snapshot_errors', 'Caches that could not be written.'),
    cacheCompactionDuration: secondsCounter('cache_snapshot', 'Time spent on writing caches.'),
    cacheCompactionsActive: gauge('cache_snapshots_active', 'Caches being written to files.'),
    ...Object.fromEntries(
      Object.entries(COMPACTIONS).flatMap(([prefix, kind]) => [
        [`${prefix}Compactions`, counter('compactions', 'Compactions that ended.', { kind })],
        [
          `${prefix}CompactionErr`,
          counter('compaction_errors', 'Compactions that failed.', { kind }),
        ],
        [
          `${prefix}CompactionDuration`,
          secondsCounter('compaction', 'Time spent on compactions.', { kind }),
        ],
        [
          `${prefix}CompactionsActive`,
          { ...gauge('compactions_active', 'Compactions that run.'), labels: { kind } },
        ],
        [
          `${prefix}CompactionQueue`,
          { ...gauge('compactions_queued', 'Compactions that are due.'), labels: { kind } },
        ],
      ]),
    ),
  },
};

const cache: PartMetrics = {
  labels: shardLabels,
  fields: {
    memBytes: gauge('cache_bytes', 'Bytes of points that are not in files yet.'),
    diskBytes: gauge('cache_snapshot_bytes', 'Bytes of points that are being written to files.'),
    snapshotCount: null,
    cacheAgeMs: null,
    cachedBytes: counter('cache_snapshot_bytes', 'Bytes of cache that went to files.'),
    WALCompactionTimeMs: null,
    writeOk: counter('cache_writes', 'Writes to caches.'),
    writeErr: counter('cache_writes_refused', 'Writes refused because the cache is full.'),
    writeDropped: null,
  },
};

const wal: PartMetrics = {
  labels: shardLabels,
  fields: {
    currentSegmentDiskBytes: gauge('wal_current_segment_bytes', 'Bytes of the segments in use.'),
    oldSegmentsDiskBytes: gauge('wal_old_segments_bytes', 'Bytes of segments to be removed.'),
    writeOk: counter('wal_writes', 'Writes to the log that are durable.'),
    writeErr: counter('wal_write_errors', 'Writes to the log that failed.'),
    syncs: counter('wal_syncs', 'Syncs of the log; writes share them.'),
    damagedRecords: counter('wal_damaged_records', 'Records of the log found damaged at a start.'),
  },
};

const fileStore: PartMetrics = {
  labels: shardLabels,
  fields: {
    diskBytes: gauge('tsm_files_bytes', 'Bytes of TSM files.'),
    numFiles: gauge('tsm_files', 'TSM files.'),
  },
};

const database: PartMetrics = {
  labels: { database: 'database' },
  fields: {
    numSeries: gauge('database_series', 'Series.'),
    numMeasurements: gauge('database_measurements', 'Measurements.'),
  },
};

const queries: PartMetrics = {
  labels: {},
  fields: {
    queriesActive: gauge('queries_active', 'Queries that run.'),
    queriesExecuted: counter('queries', 'Queries begun.'),
    queriesFinished: counter('queries_finished', 'Queries ended, in whatever way.'),
    queryDurationNs: secondsCounter('query', 'Time spent on queries.'),
    recoveredPanics: counter(
      'query_unexpected_failures',
      'Statements that ended in a fault of ours.',
    ),
  },
};

/** Numbers of new series that a budget kept out. */
const cardinality: PartMetrics = {
  labels: { budget: 'budget', who: 'who', action: 'action' },
  fields: {
    points: counter('cardinality_points', 'Points for new series beyond a budget.'),
  },
};

/** Kinds of listeners. */
const INPUTS = ['udp', 'graphite', 'collectd', 'opentsdb', 'prometheus'];

/** The balance sheet: received = stored + rejected + dropped + in flight. */
const ingest: PartMetrics = {
  labels: { listener: 'listener' },
  fields: {
    received: counter('ingest_points_received', 'Points, and pieces of input that are none.'),
    stored: counter('ingest_points_stored', 'Points on disk.'),
    rejected: counter('ingest_points_rejected', 'Points and pieces of input that are no good.'),
    dropped: counter('ingest_points_dropped', 'Good points that were lost.'),
    inFlight: gauge('ingest_points_in_flight', 'Points received and not yet on disk.'),
  },
};

const ingestLoss: PartMetrics = {
  labels: { listener: 'listener', outcome: 'outcome', reason: 'reason' },
  fields: {
    points: counter('ingest_losses', 'Points rejected by reason, and dropped by place.'),
  },
};

const deadLetters: PartMetrics = {
  labels: {},
  fields: {
    kept: counter('dead_letters_kept', 'Rejected pieces of input that were kept.'),
    sampledOut: counter('dead_letters_sampled_out', 'Not kept: more than the configured rate.'),
    tooLarge: counter('dead_letters_too_large', 'Not kept: too large.'),
    failed: counter('dead_letters_failed', 'Not kept: the disk refused them.'),
    replayed: counter('dead_letters_replayed', 'Stored by a replay.'),
    removed: counter('dead_letters_removed', 'Dropped by an operator.'),
    diskBytes: gauge('dead_letters_bytes', 'Bytes of dead letters on disk.'),
  },
};

/** What is written by measurement and login. */
const ingress: PartMetrics = {
  labels: { db: 'database', rp: 'retention_policy', measurement: 'measurement', login: 'login' },
  fields: {
    pointsWritten: counter('ingress_points', 'Points stored.'),
    valuesWritten: counter('ingress_values', 'Field values stored.'),
    seriesCreated: counter('ingress_series_created', 'Series made.'),
  },
};

/** Parts whose numbers cannot be gathered. */
const failures: PartMetrics = {
  labels: { source: 'source' },
  fields: {
    collectFailures: counter(
      'statistics_failures',
      'Times that the statistics of a part could not be gathered.',
    ),
  },
};

const allPrometheusFields = { ...inputFields, ...prometheusFields };

const PARTS: Readonly<Record<string, PartMetrics>> = {
  httpd: http,
  write,
  shard,
  tsm1_engine: engine,
  tsm1_cache: cache,
  tsm1_wal: wal,
  tsm1_filestore: fileStore,
  database,
  queryExecutor: queries,
  ingest,
  ingestLoss,
  deadletters: deadLetters,
  monitor: failures,
  ingress,
  cq,
  retention,
  'shard-precreation': precreation,
  subscriber_queue: subscriberQueue,
  cardinality,
  // Node's own metrics say it.
  runtime: { labels: {}, fields: {} },
};

/** What a part's numbers become. */
export interface NamedMetrics extends PartMetrics {
  /** Labels that all its metrics have. */
  readonly constants: Readonly<Record<string, string>>;
  /** True for a part without metrics of its own. */
  readonly isSilent: boolean;
}

/** The metrics of a part. Unknown parts have none listed: their tags become labels. */
export function metricsOf(name: string, tags: Readonly<Record<string, string>>): NamedMetrics {
  if (name === 'subscriber') {
    const part = 'destination' in tags ? subscriberDestination : subscriber;
    return { ...part, constants: {}, isSilent: false };
  }
  const known = PARTS[name];
  if (known !== undefined) return { ...known, constants: {}, isSilent: name === 'runtime' };
  if (INPUTS.includes(name))
    return {
      labels: inputLabels,
      fields: name === 'prometheus' ? allPrometheusFields : inputFields,
      constants: { input: name },
      isSilent: false,
    };
  const labels = Object.fromEntries(Object.keys(tags).map((tag) => [tag, metricWord(tag)]));
  return { labels, fields: {}, constants: {}, isSilent: false };
}

/** `pointsWrittenOK` as `points_written_ok`. */
export function metricWord(word: string): string {
  return word
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}
