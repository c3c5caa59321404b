import {
  booleanKey,
  choiceKey,
  defineListSection,
  defineSection,
  durationKey,
  fileModeKey,
  formatSample,
  formatConfig,
  integerKey,
  loadConfig,
  loadTable,
  otherKeys,
  sizeKey,
  stringKey,
  stringListKey,
  stringTableKey,
} from './index.js';

const doc = 'What it does.';
const registry = {
  top: defineSection({
    name: '',
    doc,
    keys: { bindAddress: stringKey('bind-address', ':1', { doc }) },
  }),
  store: defineSection({
    name: 'store',
    doc,
    keys: {
      dir: stringKey('dir', '', { doc }),
      isEnabled: booleanKey('enabled', true, { doc }),
      rowsMax: integerKey('max-rows', 5, { doc }),
      waitMs: durationKey('wait-time', '10s', { doc }),
      cacheBytes: sizeKey('cache-size', '1m', { doc }),
      mode: fileModeKey('mode', '0777', { doc }),
      level: choiceKey('level', ['info', 'warn'], {
        doc,
        complaint: (word) => `unrecognized level: "${word}"`,
      }),
      headers: stringTableKey('headers', { doc }),
    },
    check: (values) => (values.waitMs <= 0 ? 'wait-time must be positive' : null),
  }),
  line: defineListSection({
    name: 'line',
    doc,
    keys: {
      port: stringKey('port', ':2', { doc }),
      templates: stringListKey('templates', { doc }),
    },
    check: (values) => (values.port === '' ? 'no port' : null),
  }),
};

const load = (toml: string, environment: Record<string, string> = {}) =>
  loadConfig(registry, toml, environment);
const fails = (toml: string, environment: Record<string, string> = {}): string => {
  try {
    load(toml, environment);
    return 'loaded';
  } catch (error) {
    return (error as Error).message;
  }
};
const suffix =
  '. To generate a valid configuration file run `tidegate config > tidegate.generated.toml`';

describe('loadConfig', () => {
  it('gives defaults for an empty file', () => {
    expect(load('').config).toEqual({
      top: { bindAddress: ':1' },
      store: {
        dir: '',
        isEnabled: true,
        rowsMax: 5,
        waitMs: 10000,
        cacheBytes: 1048576,
        mode: 0o777,
        level: 'info',
        headers: {},
      },
      line: [{ port: ':2', templates: [] }],
    });
  });

  it('reads every kind from the file', () => {
    const { config, warnings } = load(`
      bind-address = ":9"
      [store]
        enabled = false
        max-rows = 7
        wait-time = "1h30m"
        cache-size = 25
        mode = "0640"
        level = "warn"
        [store.headers]
          X-A = "b"
      [[line]]
        templates = ["a", "b"]
      [[line]]
        port = ":4"`);
    expect(warnings).toEqual([]);
    expect(config).toEqual({
      top: { bindAddress: ':9' },
      store: {
        dir: '',
        isEnabled: false,
        rowsMax: 7,
        waitMs: 5_400_000,
        cacheBytes: 25,
        mode: 0o640,
        level: 'warn',
        headers: { 'X-A': 'b' },
      },
      line: [
        { port: ':2', templates: ['a', 'b'] },
        { port: ':4', templates: [] },
      ],
    });
  });

  it('lets variables override the file, lists by index or all at once', () => {
    const { config, warnings } = load(
      '[store]\nmax-rows = 7\n[[line]]\n[[line]]\ntemplates = ["x", "y"]',
      {
        INFLUXDB_BIND_ADDRESS: ':5',
        INFLUXDB_STORE_MAX_ROWS: '8',
        INFLUXDB_STORE_ENABLED: 'f',
        INFLUXDB_STORE_WAIT_TIME: '5ms',
        INFLUXDB_STORE_LEVEL: '',
        INFLUXDB_LINE_PORT: ':6',
        INFLUXDB_LINE_1_PORT: ':7',
        INFLUXDB_LINE_0_TEMPLATES: 'p,q',
        INFLUXDB_LINE_1_TEMPLATES_0: 'z',
        INFLUXDB_CONFIG_PATH: '/x',
        PATH: '/bin',
      },
    );
    expect(warnings).toEqual([]);
    expect(config.top.bindAddress).toBe(':5');
    expect(config.store).toMatchObject({ rowsMax: 8, isEnabled: false, waitMs: 5, level: 'info' });
    expect(config.line).toEqual([
      { port: ':6', templates: ['p', 'q'] },
      { port: ':7', templates: ['z', 'y'] },
    ]);
  });

  it.each([
    [
      '[store]\nmax-row = 1',
      {},
      'unknown configuration key "store.max-row" is ignored, did you mean "store.max-rows"?',
    ],
    ['[stor]\nx = 1', {}, 'unknown configuration key "stor" is ignored, did you mean "store"?'],
    ['[[line]]\nzzzzzzzz = 1', {}, 'unknown configuration key "line.zzzzzzzz" is ignored'],
    [
      '',
      { INFLUXDB_STORE_MAXROWS: '1' },
      'environment variable INFLUXDB_STORE_MAXROWS matches no configuration key, did you mean INFLUXDB_STORE_MAX_ROWS?',
    ],
  ])('warns about unknown names: %s', (toml, environment, text) => {
    expect(load(toml, environment as Record<string, string>).warnings).toEqual([text]);
  });

  it.each([
    [
      '[store]\n[http',
      {},
      'parse config: toml: line 2: incomplete key-value: cannot find end of key',
    ],
    [
      '[store]\n[store]',
      {},
      'parse config: toml: line 2: trying to redefine an already defined table or value',
    ],
    ['[store]\nwait-time = "abc"', {}, 'parse config: time: invalid duration "abc"'],
    [
      '[store]\ncache-size = "1x"',
      {},
      'parse config: unknown size suffix: x (expected k, m, or g)',
    ],
    [
      '\n[store]\ndir = 5',
      {},
      'parse config: toml: line 3 (last key "store.dir"): incompatible types: TOML value has type int64; destination has type string',
    ],
    [
      '[store]\nenabled = "yes"',
      {},
      'parse config: toml: line 2 (last key "store.enabled"): incompatible types: TOML value has type string; destination has type boolean',
    ],
    [
      '[store]\nmax-rows = 1.5',
      {},
      'parse config: toml: line 2 (last key "store.max-rows"): incompatible types: TOML value has type float64; destination has type integer',
    ],
    ['[store]\nmode = "9"', {}, 'parse config: strconv.ParseUint: parsing "9": invalid syntax'],
    ['[store]\nlevel = "foo"', {}, 'parse config: unrecognized level: "foo"'],
    [
      '',
      { INFLUXDB_STORE_ENABLED: 'yes' },
      `apply env config: failed to apply INFLUXDB_STORE_ENABLED to Enabled using type bool and value 'yes': strconv.ParseBool: parsing "yes": invalid syntax`,
    ],
    [
      '',
      { INFLUXDB_STORE_MAX_ROWS: 'x' },
      `apply env config: failed to apply INFLUXDB_STORE_MAX_ROWS to MaxRows using type int and value 'x': strconv.ParseInt: parsing "x": invalid syntax`,
    ],
    ['', { INFLUXDB_STORE_WAIT_TIME: 'abc' }, 'apply env config: time: invalid duration "abc"'],
    ['[store]\nwait-time = "0s"', {}, `wait-time must be positive${suffix}`],
    ['[[line]]\nport = ""', {}, `invalid line config: no port${suffix}`],
  ])('refuses %s %j', (toml, environment, text) => {
    expect(fails(toml, environment as Record<string, string>)).toBe(text);
  });

  it('prints a sample that loads to the defaults', () => {
    const { config, warnings } = load(formatSample(registry));
    expect(warnings).toEqual([]);
    expect(config).toEqual(load('').config);
  });
});

describe('otherKeys', () => {
  const open = {
    part: defineListSection({
      name: 'part',
      doc,
      keys: { kind: stringKey('kind', 'x', { doc }), others: otherKeys({ doc }) },
    }),
  };
  const toml =
    '[[part]]\nkind = "y"\nport = 7\nratio = 2.0\nlist = ["a", true]\n[part.sub]\nk = "v"\n';

  it('takes what the section does not declare, and prints it again', () => {
    const { config, warnings } = loadConfig(open, toml, {});
    expect(warnings).toEqual([]);
    expect(config.part).toEqual([
      { kind: 'y', others: { port: 7n, ratio: 2, list: ['a', true], sub: { k: 'v' } } },
    ]);
    const printed = formatConfig(open, config);
    expect(loadConfig(open, printed, {}).config).toEqual(config);
  });

  it('is read by a section that is known later', () => {
    const section = defineListSection({
      name: 'later',
      doc,
      keys: { port: integerKey('port', 1, { doc }) },
      check: ({ port }) => (port > 9 ? 'port too large' : null),
    });
    expect(loadTable(section, { port: 7n })).toEqual({ values: { port: 7 }, warnings: [] });
    expect(loadTable(section, { prot: 7n })).toEqual({
      values: { port: 1 },
      warnings: ['unknown configuration key "later.prot" is ignored, did you mean "later.port"?'],
    });
    expect(() => loadTable(section, { port: 10n })).toThrow(
      /^invalid later config: port too large/,
    );
    expect(() => loadTable(section, { port: 'x' })).toThrow(/incompatible types/);
  });
});
