import fc from 'fast-check';
import type { FileSystem, OpenFile } from '#kernel';
import { crashHistory, liveThrough, type SimulatedFileSystem } from '#test-support';

const RUNS = Number(process.env['CRASH_RUNS'] ?? 300);

describe('a store on a disk that forgets', () => {
  it('keeps what it acknowledged, and halves of nothing, through any history of crashes', async () => {
    await fc.assert(
      fc.asyncProperty(crashHistory, async (history) => {
        expect(await liveThrough(history)).toEqual([]);
      }),
      { numRuns: RUNS, interruptAfterTimeLimit: 40_000, markInterruptAsFailure: false },
    );
  }, 120_000);
});

/** A disk of which the store sees all but some operations, which do nothing. */
const without =
  (isLeftOut: (kind: string, path: string) => boolean) =>
  (files: SimulatedFileSystem): FileSystem => {
    const opened = (file: OpenFile, path: string): OpenFile => ({
      write: (buffers, position, done) => file.write(buffers, position, done),
      sync: (done) => (isLeftOut('sync', path) ? done(null) : file.sync(done)),
      readSync: (into, position) => file.readSync(into, position),
      truncate: (sizeBytes) => file.truncate(sizeBytes),
      close: () => file.close(),
    });
    return {
      open: async (path, mode) => opened(await files.open(path, mode), path),
      readFile: (path) => files.readFile(path),
      list: (path) => files.list(path),
      stat: (path) => files.stat(path),
      makeDirectory: (path) => files.makeDirectory(path),
      rename: (from, to) => files.rename(from, to),
      remove: async (path) => (isLeftOut('remove', path) ? undefined : files.remove(path)),
      syncDirectory: async (path) =>
        isLeftOut('syncDirectory', path) ? undefined : files.syncDirectory(path),
    };
  };

describe('the crash model notices a store that', () => {
  it.each<[string, (kind: string, path: string) => boolean]>([
    ['does not sync its log', (kind, path) => kind === 'sync' && path.endsWith('.tgwal')],
    ['does not sync its TSM files', (kind, path) => kind === 'sync' && path.includes('.tsm')],
    [
      'does not sync its tombstones',
      (kind, path) => kind === 'sync' && path.includes('.tombstone'),
    ],
    [
      'does not sync the folder of its log',
      (kind, path) => kind === 'syncDirectory' && path.startsWith('/wal'),
    ],
    [
      'does not sync the folder of its files',
      (kind, path) => kind === 'syncDirectory' && path.startsWith('/data'),
    ],
  ])(
    '%s',
    async (_, isLeftOut) => {
      const disk = without(isLeftOut);
      const details = await fc.check(
        fc.asyncProperty(crashHistory, async (history) => {
          expect(await liveThrough(history, disk)).toEqual([]);
        }),
        { numRuns: 2000, interruptAfterTimeLimit: 40_000, endOnFailure: true },
      );
      expect(details.counterexample).not.toBeNull();
    },
    60_000,
  );
});
