import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadConfig } from '#config';
import { silentLogger } from '#kernel';
import { temporaryFolder } from '#test-support';
import { benchInput } from '../testing/index.js';
import type { Input } from '../shared/input.js';
import { GuardedInput } from './guarded-input.js';
import { pluginSection } from './plugin.config.js';
import { Plugins } from './plugins.js';

const NO_KEYS = `{ name: 'x', doc: '', repeats: true, keys: {}, check: () => null }`;
const BASE = `{
  kind: 'x',
  ledger: { snapshot: () => ({}) },
  open: async () => {}, close: async () => {}, addresses: () => ['here'], statistics: () => [],
}`;

const { context } = benchInput({
  section: { name: 'x', doc: '', repeats: true, keys: {}, check: () => null },
  create: () => ({}) as Input,
});

describe('Plugins', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  const file = (path: string, text: string): void => {
    const full = join(folder.path, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text);
  };
  const plugins = (toml: string): Plugins =>
    new Plugins(
      loadConfig({ plugin: pluginSection }, toml, {}).config.plugin,
      folder.path,
      silentLogger,
    );
  /** Loads, makes and opens what is in a table; the report of it. */
  async function f(toml: string): Promise<string> {
    const all = plugins(`[[plugin]]\n${toml}`);
    for (const { definition, config } of await all.load()) {
      await definition.create(config, context).open();
    }
    const [report] = all.reports().slice(-1);
    return `${report?.state}: ${report?.error}`.replaceAll(folder.path, '<folder>');
  }

  it('does nothing where none is configured', async () => {
    const all = plugins('');
    expect(all.isUsed).toBe(false);
    expect(await all.load()).toEqual([]);
    expect(plugins('[[plugin]]\npackage = "x"\nenabled = false').isUsed).toBe(false);
  });

  it('loads files, folders and packages, relative to the configuration', async () => {
    file('a.mjs', `export const input = { section: ${NO_KEYS}, create: () => (${BASE}) };`);
    file(
      'b/package.json',
      '{"type":"module","exports":{".":{"types":"./x.d.ts","import":"./lib/b.js"}}}',
    );
    file('b/lib/b.js', `export default { section: ${NO_KEYS}, create: () => (${BASE}) };`);
    file('node_modules/@me/c/package.json', '{"type":"module","main":"c.js"}');
    file('node_modules/@me/c/c.js', `export { input } from '../../../a.mjs';`);
    expect(await f('package = "./a.mjs"')).toBe('open: ');
    expect(await f('package = "./b"')).toBe('open: ');
    expect(await f('package = "@me/c"')).toBe('open: ');
    expect(await f(`package = "${folder.path}/a.mjs"`)).toBe('open: ');
  });

  it('says what keeps a package from being loaded', async () => {
    file('throws.mjs', `throw new TypeError('at import');`);
    file('other.mjs', 'export const something = 1;');
    file('no-json/x.js', '');
    file('no-entry/package.json', '{}');
    expect(await f('package = "./none.mjs"')).toBe(
      'not loaded: cannot load plugin ./none.mjs: there is no <folder>/none.mjs',
    );
    expect(await f('package = "tidegate-input-none"')).toMatch(
      /^not loaded: cannot load plugin tidegate-input-none: Cannot find /,
    );
    expect(await f('package = "./throws.mjs"')).toBe(
      'not loaded: cannot load plugin ./throws.mjs: at import',
    );
    expect(await f('package = "./other.mjs"')).toBe(
      'not loaded: cannot use plugin ./other.mjs: it has no export "input" made by defineInput()',
    );
    expect(await f('package = "./no-json"')).toMatch(/^not loaded: .*package.json/);
    expect(await f('package = "./no-entry"')).toBe(
      'not loaded: cannot load plugin ./no-entry: there is no <folder>/no-entry/index.js',
    );
  });

  it('says what keeps an input from being made or opened', async () => {
    const made = (create: string): string => `export const input = { section: ${NO_KEYS}, create };
      function create() { ${create} }`;
    file('create.mjs', made(`throw new TypeError('at create');`));
    file('nothing.mjs', made('return {};'));
    file(
      'open.mjs',
      made(`return { ...${BASE}, open: async () => { throw new TypeError('at open'); } };`),
    );
    file(
      'open-sync.mjs',
      made(`return { ...${BASE}, open() { throw new TypeError('at open'); } };`),
    );
    expect(await f('package = "./create.mjs"')).toBe('failed: at create');
    expect(await f('package = "./nothing.mjs"')).toMatch(/^failed: /);
    expect(await f('package = "./open.mjs"')).toBe('failed: at open');
    expect(await f('package = "./open-sync.mjs"')).toBe('failed: at open');
  });

  it('gives a plugin its keys and checks them', async () => {
    const keyText = `{ key: 'port', kind: 'integer', doc: '', defaultLiteral: '1', sampleLiteral: '1', defaultValue: 1,
      fromToml: Number, fromText: Number, toLiteral: String }`;
    file(
      'keys.mjs',
      `export const input = {
        section: { name: 'keys', doc: '', repeats: true, keys: { port: ${keyText} },
          check: ({ port }) => port > 9 ? 'port too large' : null },
        create: ({ port }) => ({ ...${BASE}, addresses: () => ['port ' + port] }),
      };`,
    );
    const all = plugins('[[plugin]]\npackage = "./keys.mjs"\nport = 7\nprot = 8');
    const [{ definition, config }] = await all.load();
    await definition.create(config, context).open();
    expect(all.reports()).toEqual([
      { packageName: './keys.mjs', state: 'open', addresses: ['port 7'], error: '', faults: 0 },
    ]);
    expect(await f('package = "./keys.mjs"\nport = 10')).toBe(
      'not loaded: invalid keys config: port too large. To generate a valid configuration file run `tidegate config > tidegate.generated.toml`',
    );
  });
});

describe('GuardedInput', () => {
  const guard = (parts: Partial<Input>): GuardedInput =>
    new GuardedInput({
      packageName: 'p',
      root: '/plugins/p',
      context,
      openMsMax: 20,
      closeMsMax: 20,
      create: () =>
        ({
          kind: 'x',
          ledger: { snapshot: () => ({}) },
          open: () => Promise.resolve(),
          close: () => Promise.resolve(),
          addresses: () => [],
          statistics: () => [],
          ...parts,
        }) as unknown as Input,
    });
  const never = (): Promise<void> => new Promise(() => undefined);

  it('gives up an open() and a close() that do not end', async () => {
    const opening = guard({ open: never });
    await opening.open();
    expect([opening.state, opening.lastError]).toEqual([
      'failed',
      'its open() did not end within 20 ms',
    ]);
    const closing = guard({ close: never });
    await closing.open();
    await closing.close();
    expect([closing.state, closing.lastError]).toEqual([
      'failed',
      'its close() did not end within 20 ms',
    ]);
  });

  it('answers for a plugin that cannot', async () => {
    const fail = (): never => {
      throw new TypeError('broken');
    };
    const input = guard({ addresses: fail, statistics: fail });
    await input.open();
    expect(input.addresses()).toEqual([]);
    expect(input.statistics()).toEqual([
      { name: 'plugin', tags: { package: 'p' }, values: { isOpen: 1, faults: 1 } },
    ]);
    expect(input.faults).toBe(2);
  });

  it('passes on counters that are numbers', () => {
    const values = { good: 1.5, bad: Number.NaN, text: 'x' as unknown as number };
    const input = guard({ statistics: () => [{ name: 'x', tags: {}, values }] });
    expect(input.statistics()[1]).toEqual({ name: 'x', tags: {}, values: { good: 1 } });
  });

  it('knows what its files have thrown', () => {
    const input = guard({});
    const error = new TypeError('x');
    expect(input.hasThrown(error)).toBe(false);
    error.stack = 'TypeError: x\n    at f (file:///plugins/p/dist/index.js:1:1)';
    expect(input.hasThrown(error)).toBe(true);
  });
});
