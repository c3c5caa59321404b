export { NaiveStore, type NaivePoint, type NaiveValue, naiveLine } from './naive-store.js';
export { temporaryFolder } from './temporary-folder.js';
export { ManualClock } from './manual-clock.js';
