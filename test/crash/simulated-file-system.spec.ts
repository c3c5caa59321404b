import type { OpenFile } from '#kernel';
import { SeededRandom, SimulatedFileSystem } from '#test-support';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (content: Uint8Array): string => new TextDecoder().decode(content);
const write = (file: OpenFile, content: Uint8Array, position = 0): Promise<void> =>
  new Promise((resolve, reject) =>
    file.write([content], position, (error) => (error === null ? resolve() : reject(error))),
  );
const sync = (file: OpenFile): Promise<void> =>
  new Promise((resolve, reject) =>
    file.sync((error) => (error === null ? resolve() : reject(error))),
  );

/** Outcomes of one scenario over many seeds. */
const outcomes = async (
  scenario: (files: SimulatedFileSystem) => Promise<void>,
  look: (files: SimulatedFileSystem) => string,
): Promise<Set<string>> => {
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const files = new SimulatedFileSystem(seed);
    await files.makeDirectory('/d');
    await scenario(files);
    files.crash();
    seen.add(look(files));
  }
  return seen;
};
const names = (files: SimulatedFileSystem): string => files.paths().join(' ');

describe('SeededRandom', () => {
  it('repeats itself and spreads', () => {
    const draw = (seed: number): number[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 1000 }, () => random.below(4));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    for (const side of [0, 1, 2, 3]) {
      const count = draw(7).filter((drawn) => drawn === side).length;
      expect(count).toBeGreaterThan(180);
      expect(count).toBeLessThan(320);
    }
  });
});

describe('a simulated power loss', () => {
  it('keeps what was synced in file and directory', async () => {
    const seen = await outcomes(
      async (files) => {
        const file = await files.open('/d/a', 'create');
        await write(file, bytes('hello'));
        await sync(file);
        await files.syncDirectory('/d');
      },
      (files) => text(files.content('/d/a')),
    );
    expect([...seen]).toEqual(['hello']);
  });

  it('may lose the name of a synced file whose directory was not', async () => {
    const seen = await outcomes(async (files) => {
      const file = await files.open('/d/a', 'create');
      await write(file, bytes('hello'));
      await sync(file);
    }, names);
    expect([...seen].sort()).toEqual(['', '/d/a']);
  });

  it('may lose, keep or cut what was written after the last sync', async () => {
    const seen = await outcomes(
      async (files) => {
        const file = await files.open('/d/a', 'create');
        await write(file, bytes('one '));
        await sync(file);
        await files.syncDirectory('/d');
        await write(file, bytes('two '), 4);
        await write(file, bytes('three'), 8);
      },
      (files) => text(files.content('/d/a')),
    );
    expect(seen).toContain('one ');
    expect(seen).toContain('one two ');
    expect(seen).toContain('one two three');
    expect(seen).toContain('one \0\0\0\0three');
  });

  it('tears writes at sectors only', async () => {
    const seen = await outcomes(
      async (files) => {
        const file = await files.open('/d/a', 'create');
        await sync(file);
        await files.syncDirectory('/d');
        await write(file, new Uint8Array(1400).fill(1), 100);
      },
      (files) => {
        const content = files.content('/d/a');
        const sectors = [content.slice(100, 512), content.slice(512, 1024), content.slice(1024)];
        return sectors.map((sector) => [...new Set(sector)].join('')).join('|');
      },
    );
    for (const outcome of seen) expect(outcome).toMatch(/^[01]?\|[01]?\|[01]?$/);
    expect(seen).toContain('0|1|');
    expect(seen).toContain('1|0|1');
  });

  it('renames wholly or not at all', async () => {
    const seen = await outcomes(
      async (files) => {
        files.put('/d/a', bytes('a'));
        files.put('/d/b', bytes('b'));
        await files.rename('/d/a', '/d/b');
      },
      (files) => `${names(files)} ${text(files.content('/d/b'))}`,
    );
    expect([...seen].sort()).toEqual(['/d/a /d/b b', '/d/b a']);
  });

  it('may bring back what was removed', async () => {
    const seen = await outcomes(async (files) => {
      files.put('/d/e/a', bytes('a'));
      files.put('/d/e/b', bytes('b'));
      await files.remove('/d/e');
    }, names);
    expect([...seen].sort()).toEqual(['', '/d/e/a', '/d/e/a /d/e/b', '/d/e/b']);
  });

  it('gives the same for the same seed', async () => {
    const run = async (): Promise<string> => {
      const files = new SimulatedFileSystem(99);
      await files.makeDirectory('/d');
      const file = await files.open('/d/a', 'create');
      await files.syncDirectory('/d');
      for (let i = 0; i < 20; i++) await write(file, new Uint8Array(700).fill(i + 1), i * 700);
      files.crash();
      return files.content('/d/a').join();
    };
    expect(await run()).toBe(await run());
  });

  it('makes files opened before it useless', async () => {
    const files = new SimulatedFileSystem();
    files.put('/d/a', bytes('a'));
    const file = await files.open('/d/a', 'write');
    files.crash();
    await expect(write(file, bytes('b'))).rejects.toThrow('EBADF');
    expect(() => file.readSync(new Uint8Array(1), 0)).toThrow('EBADF');
  });
});

describe('faults', () => {
  it('stop the machine at the n-th operation', async () => {
    const files = new SimulatedFileSystem();
    files.put('/d/a', bytes('a'));
    files.stopAt = 2;
    expect(text(await files.readFile('/d/a'))).toBe('a');
    await expect(files.readFile('/d/a')).rejects.toThrow('EIO');
    await expect(files.stat('/d/a')).rejects.toThrow('EIO');
    files.crash();
    expect(text(await files.readFile('/d/a'))).toBe('a');
  });

  it('fill the disk and let it have room again', async () => {
    const files = new SimulatedFileSystem();
    files.put('/d/a', bytes('12345'));
    files.capacityBytes = 8;
    const file = await files.open('/d/a', 'write');
    await expect(write(file, bytes('67890'), 5)).rejects.toThrow('ENOSPC');
    expect(text(files.content('/d/a'))).toBe('12345678');
    files.capacityBytes = 10;
    await write(file, bytes('67890'), 5);
    expect(text(files.content('/d/a'))).toBe('1234567890');
  });

  it('fail single operations by kind and path', async () => {
    const files = new SimulatedFileSystem();
    files.put('/d/a', bytes('1234'));
    files.fault = ({ kind, path }) => (kind === 'sync' && path === '/d/a' ? 'EIO' : null);
    const file = await files.open('/d/a', 'write');
    await write(file, bytes('5'), 4);
    await expect(sync(file)).rejects.toThrow('EIO');
    files.fault = ({ kind }) => (kind === 'read' || kind === 'readFile' ? 'SHORT' : null);
    expect(file.readSync(new Uint8Array(4), 0)).toBe(2);
    expect(text(await files.readFile('/d/a'))).toBe('12');
  });

  it('lose for good what a failed sync was to write', async () => {
    const seen = await outcomes(
      async (files) => {
        files.put('/d/a', bytes('1'));
        const file = await files.open('/d/a', 'write');
        await write(file, bytes('2'), 1);
        files.fault = ({ kind }) => (kind === 'sync' ? 'EIO' : null);
        await expect(sync(file)).rejects.toThrow('EIO');
        expect(text(files.content('/d/a'))).toBe('12');
        files.fault = () => null;
      },
      (files) => text(files.content('/d/a')),
    );
    expect([...seen].sort()).toEqual(['1', '1\0', '12']);
  });
});
