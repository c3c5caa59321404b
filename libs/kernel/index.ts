export { TidegateError, InvariantError, invariant, messageOf } from './errors.js';
export { type Clock, SystemClock } from './clock.js';
export { type Logger, type LogFields, silentLogger } from './logger.js';
export { parseDurationNs, formatDurationNs } from './duration.js';
export { parseByteSize } from './byte-size.js';
export {
  type FileSystem,
  type OpenFile,
  type OpenMode,
  type DirectoryEntry,
  type FileStat,
  type Done,
  NodeFileSystem,
  openDescriptor,
  replaceFile,
} from './file-system.js';
export { redactUrl } from './redact-url.js';
export { lowerThreadPriority } from './thread-priority.js';
export { workerUrl } from './worker-url.js';
export { workInTurns } from './work-in-turns.js';
