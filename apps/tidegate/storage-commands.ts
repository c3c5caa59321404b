/** Deletions of stored points, as statements ask for them, over the store. */
import { CoordinatorError, type StorageCommands } from '#coordinator';
import type { Store } from '#tsdb';

/** The store's deletions. */
export function storageCommands(store: Store): StorageCommands {
  return {
    deleteDatabase: (name) => store.deleteDatabase(name),
    deleteRetentionPolicy: (database, retentionPolicy) =>
      store.deleteRetentionPolicy(database, retentionPolicy),
    deleteShard: (id) => store.deleteShard(id),
    dropMeasurement: () => refuse('DROP MEASUREMENT'),
    dropSeries: () => refuse('DROP SERIES'),
    deletePoints: () => refuse('DELETE'),
  };
}

function refuse(what: string): Promise<void> {
  return Promise.reject(
    new CoordinatorError('coordinator.not-supported', `${what} is not supported yet`),
  );
}
