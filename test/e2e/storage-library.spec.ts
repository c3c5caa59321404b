import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { temporaryFolder } from '#test-support';

/** The packages that the example says it needs. */
const PACKAGES = ['snappyjs', 'smol-toml'];

describe('examples/storage-library', () => {
  it('writes, finds and reads, with no package but those that it names', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder.path, 'node_modules'), { recursive: true });
    for (const name of PACKAGES) {
      symlinkSync(resolve('node_modules', name), join(folder.path, 'node_modules', name));
    }
    cpSync('package.json', join(folder.path, 'package.json'));
    for (const part of ['libs', 'examples']) {
      cpSync(join('dist', part), join(folder.path, 'dist', part), { recursive: true });
    }
    const run = (): string[] =>
      execFileSync(process.execPath, ['dist/examples/storage-library.js', 'data'], {
        cwd: folder.path,
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: '' },
      })
        .trim()
        .split('\n');
    const read = [
      'wrote 3 points, dropped 0, could not read 0 lines',
      'air,city=Bremen temperature 1600000000 7.5',
      'air,city=Bremen temperature 1600000060 8.25',
    ];
    expect(run()).toEqual(['found 0 series', ...read]);
    expect(run()).toEqual(['found 2 series', ...read]);
    expect(readdirSync(join(folder.path, 'data')).sort()).toEqual(['data', 'data-index', 'wal']);
    folder.remove();
  });
});
