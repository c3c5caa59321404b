/** Deletions of stored points, as statements ask for them, over the store. */
import { SeriesDeletion, type StorageCommands } from '#coordinator';
import type { Clock } from '#kernel';
import type { Store } from '#tsdb';

/** The store's deletions. */
export function storageCommands(store: Store, clock: Clock): StorageCommands {
  const series = new SeriesDeletion(store, clock);
  return {
    deleteDatabase: (name) => store.deleteDatabase(name),
    deleteRetentionPolicy: (database, retentionPolicy) =>
      store.deleteRetentionPolicy(database, retentionPolicy),
    deleteShard: (id) => store.deleteShard(id),
    dropMeasurement: (database, name) => series.dropMeasurement(database, name),
    dropSeries: (selection) => series.dropSeries(selection),
    deletePoints: (selection) => series.deletePoints(selection),
  };
}
