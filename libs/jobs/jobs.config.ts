/** The `[retention]`, `[shard-precreation]` and `[continuous_queries]` sections. */
import { booleanKey, defineSection, durationKey, type SectionValues } from '#config';

/** Declaration of `[retention]`, with InfluxDB 1.x's names. */
export const retentionSection = defineSection({
  name: 'retention',
  doc: 'Removal of shard groups that are older than their retention policy.',
  keys: {
    isEnabled: booleanKey('enabled', true, { doc: 'Whether old shard groups are removed.' }),
    checkIntervalMs: durationKey('check-interval', '30m', { doc: 'Time between two checks.' }),
  },
  check: (values) =>
    values.isEnabled && values.checkIntervalMs <= 0 ? 'check-interval must be positive' : null,
});

/** Declaration of `[shard-precreation]`, with InfluxDB 1.x's names. */
export const precreationSection = defineSection({
  name: 'shard-precreation',
  doc: 'Creation of shard groups shortly before their time begins. None are made for the past.',
  keys: {
    isEnabled: booleanKey('enabled', true, { doc: 'Whether shard groups are created ahead.' }),
    checkIntervalMs: durationKey('check-interval', '10m', { doc: 'Time between two checks.' }),
    advancePeriodMs: durationKey('advance-period', '30m', {
      doc: 'How long before the end of a shard group its successor is created.',
    }),
  },
  check(values) {
    if (!values.isEnabled) return null;
    if (values.checkIntervalMs <= 0) return 'check-interval must be positive';
    return values.advancePeriodMs <= 0 ? 'advance-period must be positive' : null;
  },
});

/** Declaration of `[continuous_queries]`, with InfluxDB 1.x's names. */
export const continuousQueriesSection = defineSection({
  name: 'continuous_queries',
  doc: 'Running of continuous queries.',
  keys: {
    isEnabled: booleanKey('enabled', true, { doc: 'Whether continuous queries run.' }),
    isLogEnabled: booleanKey('log-enabled', true, { doc: 'Whether each run is logged.' }),
    areStatsEnabled: booleanKey('query-stats-enabled', false, {
      doc: 'Whether each run is recorded in the monitor database.',
    }),
    runIntervalMs: durationKey('run-interval', '1s', {
      doc: 'Time between two looks at which queries are due.',
    }),
    areLatePointsRecomputed: booleanKey('recompute-late-points', false, {
      doc: 'Whether a window is computed again when points for it come behind its run. Without it such windows are listed by SHOW CQ GAPS only. Not in InfluxDB.',
    }),
  },
  check: (values) =>
    values.isEnabled && values.runIntervalMs <= 0 ? 'run-interval must be positive' : null,
});

/** Values of `[retention]`. */
export type RetentionConfig = SectionValues<typeof retentionSection>;
/** Values of `[shard-precreation]`. */
export type PrecreationConfig = SectionValues<typeof precreationSection>;
/** Values of `[continuous_queries]`. */
export type ContinuousQueriesConfig = SectionValues<typeof continuousQueriesSection>;
