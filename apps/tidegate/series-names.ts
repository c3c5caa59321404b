/** Names of measurements, tags and their values in a database, for senders that ask before they send (OpenTSDB's suggestions). */
import type { NameKind } from '#inputs';
import { compareUtf8 } from '#models';
import type { Store } from '#tsdb';

/** Tag values that are looked at for one question. */
const VALUES_EXAMINED_MAX = 100_000;

/**
 * Names that begin with `beginning`, in byte order, at most `max`. Of a database with more tag values than
 * {@link VALUES_EXAMINED_MAX}, values may be missing.
 */
export function seriesNames(
  index: ReturnType<Store['index']>,
  kind: NameKind,
  beginning: string,
  max: number,
): readonly string[] {
  const names = new Set<string>();
  let examined = 0;
  for (const measurement of index.measurements) {
    const { seriesIds, seriesCount } = measurement;
    if (seriesIds.subarray(0, seriesCount).every((id) => index.isGone(id))) continue;
    if (kind === 'measurements') names.add(measurement.name);
    else if (kind === 'tag-keys') for (const key of measurement.tagKeys) names.add(key);
    else {
      for (const column of measurement.tagColumns) {
        for (let id = 1; id <= column.valueCount && examined < VALUES_EXAMINED_MAX; id++) {
          examined++;
          if (column.isUsed(id)) names.add(column.text(id));
        }
      }
    }
  }
  return [...names]
    .filter((name) => name.startsWith(beginning))
    .sort(compareUtf8)
    .slice(0, max);
}
