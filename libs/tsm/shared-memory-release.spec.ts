import { SharedMemoryRelease } from './shared-memory-release.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A buffer that nothing refers to any more, as far as the caller can see. */
function forgottenBuffer(): WeakRef<SharedArrayBuffer> {
  return new WeakRef(new SharedArrayBuffer(1024));
}

describe('SharedMemoryRelease', () => {
  it('collects when much has been used, and not before', async () => {
    const release = new SharedMemoryRelease();
    const forgotten = forgottenBuffer();
    // A reference that was read stays for the turn.
    await turn();
    release.add(31 * 2 ** 20);
    await turn();
    expect(forgotten.deref()).toBeDefined();
    await turn();
    release.add(2 ** 20);
    await turn();
    await turn();
    expect(forgotten.deref()).toBeUndefined();
  });
});
