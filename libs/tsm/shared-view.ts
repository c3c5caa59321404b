/**
 * Views of an engine in another thread: caches are read where they lie in shared memory, files through the descriptors that the
 * engine's thread has open. Files opened once are kept for the next views.
 */
import type { Logger } from '#kernel';
import { openFrozen } from './cache/cache.js';
import { EngineView, type SharedEngineView } from './series-cursor.js';
import { type SharedTsmFile, TsmReader } from './tsm-reader.js';

/** Files kept open between views; their memory is that of the sampled keys. */
const FILES_KEPT = 512;

interface KnownFile {
  readonly reader: TsmReader;
  readonly deletionCount: number;
}

/** Opens shared views. One a thread. */
export class SharedViewOpener {
  /** In order of use, by the number that the engine's thread gave. */
  private readonly known = new Map<number, KnownFile>();

  constructor(private readonly logger: Logger) {}

  /**
   * @param fetch gives a file that is not known here yet
   */
  open(shared: SharedEngineView, fetch: (number: number) => SharedTsmFile): EngineView {
    const readers = shared.files.map(({ number, deletionCount }) => {
      let file = this.known.get(number);
      if (file?.deletionCount !== deletionCount)
        file = { reader: TsmReader.fromShared(fetch(number)), deletionCount };
      this.known.delete(number);
      this.known.set(number, file);
      return file.reader;
    });
    for (const number of this.known.keys()) {
      if (this.known.size <= FILES_KEPT) break;
      this.known.delete(number);
    }
    return new EngineView(
      readers,
      shared.caches.map((cache) => openFrozen(cache)),
      this.logger,
    );
  }
}
