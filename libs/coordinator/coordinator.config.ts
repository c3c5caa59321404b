/** The `[coordinator]` section: limits of writes and queries. */
import {
  booleanKey,
  choiceKey,
  defineSection,
  durationKey,
  integerKey,
  sizeKey,
  stringTableKey,
  type SectionValues,
} from '#config';
import { messageOf } from '#kernel';
import { checkWindowRule } from './write-window.js';

/** Declaration of `[coordinator]`, with InfluxDB 1.x's names. */
export const coordinatorSection = defineSection({
  name: 'coordinator',
  doc: 'Limits of writes and queries.',
  keys: {
    writeTimeoutMs: durationKey('write-timeout', '10s', {
      doc: 'How long a write may take before its client is told "timeout".',
    }),
    windowAction: choiceKey('write-window-action', ['warn', 'refuse', 'off'], {
      doc: 'What becomes of points whose time is outside the write window: stored with a line in the log a minute ("warn"), refused ("refuse"), or stored in silence ("off"). Not in InfluxDB.',
      complaint: (word) => `unknown write-window-action: "${word}"`,
    }),
    windowPastMs: durationKey('write-window-past', '87600h', {
      doc: 'How far behind the clock the write window begins; 0s means that it has no beginning.',
    }),
    windowFutureMs: durationKey('write-window-future', '168h', {
      doc: 'How far ahead of the clock the write window ends; 0s means that it has no end.',
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
      doc: 'Bytes that one query may hold in memory, and all together three times as many; 0 means no limit.',
    }),
    queryWorkersMax: integerKey('query-workers', 2, {
      doc: 'Threads for SELECTs that take longer than a few milliseconds; 0 runs all in the main thread, in turns.',
    }),
    areQueriesLoggedOnTermination: booleanKey('termination-query-log', false, {
      doc: 'Whether running queries are logged on SIGTERM.',
    }),
    windowsByPolicy: stringTableKey('write-windows', {
      doc: 'Write windows of single retention policies: "database.policy" = "past=720h future=1h refuse".',
    }),
  },
  check({ windowsByPolicy }) {
    try {
      for (const text of Object.values(windowsByPolicy)) checkWindowRule(text);
      return null;
    } catch (error) {
      return messageOf(error);
    }
  },
});

/** Values of `[coordinator]`. */
export type CoordinatorConfig = SectionValues<typeof coordinatorSection>;
