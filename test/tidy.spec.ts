import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const tracked = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(path));
const sources = tracked.filter(
  (path) => /^(apps|libs)\/.*\.ts$/.test(path) && !path.endsWith('.d.ts'),
);
const code = sources.filter((path) => !/\.(spec|bench)\.ts$/.test(path));
const read = (path: string): string => readFileSync(path, 'utf8');

/** Longer than 600 lines, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

/** Paths of offenders, with what is wrong. */
const offenders = (
  paths: readonly string[],
  check: (text: string, path: string) => string | null,
): string[] =>
  paths.flatMap((path) => {
    const problem = check(read(path), path);
    return problem === null ? [] : [`${path}: ${problem}`];
  });

describe('the tree is tidy:', () => {
  it('no file is longer than 600 lines', () => {
    expect(
      offenders(code, (text, path) => {
        const lines = text.split('\n').length;
        return lines > 600 && !(path in LONG_FILES) ? `${lines} lines` : null;
      }),
    ).toEqual([]);
  });

  it('every file starts with what it is', () => {
    expect(
      offenders(
        code.filter((path) => basename(path) !== 'index.ts' && basename(path) !== 'module.ts'),
        (text) => (/^(#!.*\n)?\s*(\/\*\*|\/\/)/.test(text) ? null : 'no header comment'),
      ),
    ).toEqual([]);
  });

  it('no banned words', () => {
    const banned =
      /\b(FIXME|TODO|XXX)\b|@ts-ignore|@ts-nocheck|\bas any\b|: any\b|throw new Error\(/;
    expect(offenders(code, (text) => banned.exec(text)?.[0] ?? null)).toEqual([]);
  });

  it('only the command line and the configuration touch the environment, and nobody the console', () => {
    expect(
      offenders(
        code.filter((path) => !path.startsWith('apps/') && !path.startsWith('libs/config/')),
        (text) => /process\.env|console\./.exec(text)?.[0] ?? null,
      ),
    ).toEqual([]);
  });

  it('file names are kebab-case', () => {
    expect(sources.filter((path) => !/^[a-z0-9-]+(\.[a-z-]+)*\.ts$/.test(basename(path)))).toEqual(
      [],
    );
  });

  it('no test is skipped or focused', () => {
    const specs = tracked.filter(
      (path) => path.endsWith('.spec.ts') && path !== 'test/tidy.spec.ts',
    );
    expect(
      offenders(
        specs,
        (text) =>
          /\b(it|test|describe)\.(skip|only|todo)\(|\bx(it|describe)\(/.exec(text)?.[0] ?? null,
      ),
    ).toEqual([]);
  });

  it('every library has a README', () => {
    const libs = new Set(
      code.filter((path) => path.startsWith('libs/')).map((path) => path.split('/')[1]),
    );
    expect([...libs].filter((lib) => !existsSync(join('libs', lib, 'README.md')))).toEqual([]);
  });

  it('links of documents lead somewhere', () => {
    const documents = tracked.filter((path) => path.endsWith('.md'));
    expect(
      documents.flatMap((path) =>
        [...read(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
          .map(([, target = '']) => join(dirname(path), target))
          .filter((target) => !existsSync(target))
          .map((target) => `${path} -> ${target}`),
      ),
    ).toEqual([]);
  });

  it('comments that point to a format page point to one that is there', () => {
    expect(
      offenders(code, (text) => {
        const missing = [...text.matchAll(/docs\/[a-z/-]+\.md/g)]
          .map(([path]) => path)
          .find((path) => !existsSync(path));
        return missing ?? null;
      }),
    ).toEqual([]);
  });
});
