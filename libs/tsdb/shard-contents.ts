/**
 * What an engine tells of its files, brought to the shard and to the stored index: binds the one's port to the others.
 */
import type { Engine, ShardContents } from '#tsm';
import type { DatabaseIndex } from './database-index.js';
import type { Shard } from './shard.js';

/** What a shard's engine reports to. */
export interface ContentsParts {
  /** The shard; asked for when it is there. */
  readonly shard: () => Shard;
  readonly engine: () => Engine;
  readonly index: DatabaseIndex;
  /** True when the shard's folder has just been made: nothing that is stored can be about it. */
  readonly isNew: boolean;
  readonly onSchemaChange: () => void;
}

/** The contents of one shard. */
export function shardContents(id: number, parts: ContentsParts): ShardContents {
  const { shard, engine, index, isNew, onSchemaChange } = parts;
  const stored = isNew ? undefined : index.storedShard(id);
  let isOpening = true;
  return {
    knownFiles: stored?.files ?? [],
    onFilesFound: (areKnown) => {
      if (stored !== undefined) shard().adopt(stored, areKnown, !index.wasClosed);
      index.addShard(id, shard().filed);
    },
    onRestore: (batch) => shard().restore(batch),
    onFileKey: (seriesId, field, type, isInFile) =>
      shard().restoreField(seriesId, field, type, isInFile),
    onCacheWritten: (seriesIds) => {
      for (const seriesId of seriesIds) shard().filed.add(seriesId);
    },
    onSeriesChecked: (seriesIds, left) => {
      const { filed } = shard();
      for (const seriesId of seriesIds) {
        if (left.has(seriesId)) filed.add(seriesId);
        else filed.remove(seriesId);
      }
    },
    onSeriesGone: (seriesIds) => {
      shard().removeSeries(seriesIds);
      if (seriesIds.length > 0) onSchemaChange();
    },
    onMeasurementDropped: (name, isReplay) => {
      shard().forgetFields(name, isReplay);
      onSchemaChange();
    },
    onFilesChanged: async (isUncertain) => {
      if (isOpening) shard().recallFields();
      isOpening = false;
      const { filed } = shard();
      if (isUncertain) filed.markUncertain();
      const change = filed.takeChange(await engine().fileStore.marks());
      if (change !== null) await index.record(change);
    },
    filedSeries: () => new Set(shard().filed.series),
  };
}
