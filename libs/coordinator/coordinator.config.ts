/** The `[coordinator]` section: limits of writes and queries. */
import {
  booleanKey,
  defineSection,
  durationKey,
  integerKey,
  sizeKey,
  type SectionValues,
} from '#config';

/** Declaration of `[coordinator]`, with InfluxDB 1.x's names. */
export const coordinatorSection = defineSection({
  name: 'coordinator',
  doc: 'Limits of writes and queries.',
  keys: {
    writeTimeoutMs: durationKey('write-timeout', '10s', {
      doc: 'How long a write may take before its client is told "timeout".',
    }),
    concurrentQueriesMax: integerKey('max-concurrent-queries', 0, {
      doc: 'Queries that may run at one time; 0 means no limit.',
    }),
    queryTimeoutMs: durationKey('query-timeout', '0s', {
      doc: 'How long a query may run before it is ended; 0s means no limit.',
    }),
    logQueriesAfterMs: durationKey('log-queries-after', '0s', {
      doc: 'Queries that run longer than this are logged; 0s logs none.',
    }),
    areTimedOutQueriesLogged: booleanKey('log-timedout-queries', false, {
      doc: 'Whether queries ended by query-timeout are logged.',
    }),
    selectPointsMax: integerKey('max-select-point', 0, {
      doc: 'Points a SELECT may read; 0 means no limit.',
    }),
    selectSeriesMax: integerKey('max-select-series', 0, {
      doc: 'Series a SELECT may read; 0 means no limit.',
    }),
    selectBucketsMax: integerKey('max-select-buckets', 0, {
      doc: 'Windows of GROUP BY time() a SELECT may make; 0 means no limit.',
    }),
    queryMemoryMaxBytes: sizeKey('max-query-memory', '512m', {
      doc: 'Bytes that one query may hold in memory, and all together four times as many; 0 means no limit.',
    }),
    queryWorkersMax: integerKey('query-workers', 2, {
      doc: 'Threads for SELECTs that take longer than a few milliseconds; 0 runs all in the main thread, in turns.',
    }),
    areQueriesLoggedOnTermination: booleanKey('termination-query-log', false, {
      doc: 'Whether running queries are logged on SIGTERM.',
    }),
  },
});

/** Values of `[coordinator]`. */
export type CoordinatorConfig = SectionValues<typeof coordinatorSection>;
