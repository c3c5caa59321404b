export { Engine, type EngineOptions, type EngineStatistics } from './engine.js';
export type { SeriesCatalog } from './catalog.js';
export { TsmError } from './errors.js';
export { type WalStatistics } from './wal/wal.js';
export type { Snapshotter, SnapshotJob } from './snapshot.js';
export { inPlaceSnapshotter, WorkerSnapshotter } from './snapshotters.js';
export { EngineView, FieldsCursor, type SeriesCursorRequest, type SeriesField } from './series-cursor.js';
