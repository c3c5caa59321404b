/** The `[cardinality]` section: how many new series a minute may bring. Not in InfluxDB. */
import { choiceKey, defineSection, integerKey, type SectionValues } from '#config';

/** Declaration of `[cardinality]`. */
export const cardinalitySection = defineSection({
  name: 'cardinality',
  doc: 'Budgets for new series. Points of series that exist are never counted.',
  keys: {
    newSeriesPerListenerMax: integerKey('max-new-series-per-listener', 0, {
      doc: 'New series a minute that one listener (http, a graphite port) may make; 0 is no limit.',
    }),
    newSeriesPerPeerMax: integerKey('max-new-series-per-peer', 0, {
      doc: 'New series a minute that one sender (address, and user where known) may make; 0 is no limit.',
    }),
    newSeriesPerMeasurementMax: integerKey('max-new-series-per-measurement', 0, {
      doc: 'New series a minute that one measurement of a database may get; 0 is no limit.',
    }),
    overBudget: choiceKey('over-budget', ['refuse', 'fold'], {
      doc: 'What becomes of a point whose new series is over a budget: "refuse" it, or "fold" its tag with the most new values to "__overflow__".',
      complaint: (word) => `over-budget must be "refuse" or "fold", not ${JSON.stringify(word)}`,
    }),
  },
  check(values) {
    const { newSeriesPerListenerMax, newSeriesPerPeerMax, newSeriesPerMeasurementMax } = values;
    return Math.min(newSeriesPerListenerMax, newSeriesPerPeerMax, newSeriesPerMeasurementMax) < 0
      ? 'budgets of new series must not be negative'
      : null;
  },
});

/** Values of `[cardinality]`. */
export type CardinalityConfig = SectionValues<typeof cardinalitySection>;
