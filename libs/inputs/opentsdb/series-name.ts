/**
 * From OpenTSDB's metric and tags to a series: the metric is the measurement, the only field is `value`. Texts are binary strings,
 * one character a byte. Called once a series.
 */
import { FieldType, formatSeriesKey, type NamedSeries, type Tag } from '#models';

/** All points have this one field. Same as InfluxDB 1.x. */
const FIELDS = [{ name: 'value', type: FieldType.FLOAT }];

/**
 * The series of a metric and its tags.
 * @param tags of equal keys the last wins
 */
export function nameSeries(metric: string, tags: ReadonlyMap<string, string>): NamedSeries {
  const sorted: Tag[] = [...tags].map(([key, value]) => ({ key, value }));
  // Binary strings compare like their bytes.
  sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { key: Buffer.from(formatSeriesKey(metric, sorted), 'latin1'), fields: FIELDS };
}
