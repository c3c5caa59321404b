import { readFileSync } from 'node:fs';
import { formatSample, loadConfig } from '#config';
import { configRegistry } from './config-registry.js';

const dirs = '[meta]\ndir = "/m"\n[data]\ndir = "/d"\nwal-dir = "/w"\n';
const fails = (toml: string): string => {
  try {
    loadConfig(configRegistry, toml, {});
    return 'loaded';
  } catch (error) {
    return (error as Error).message.replace(/\. To generate.*/s, '');
  }
};

describe('configRegistry', () => {
  it("loads Debian's influxdb.conf of 1.6.7 without a warning", () => {
    const { config, warnings } = loadConfig(
      configRegistry,
      readFileSync('test/fixtures/influxdb-1.6.7.conf', 'utf8'),
      {},
    );
    expect(warnings).toEqual([]);
    expect(config.meta.dir).toBe('/var/lib/influxdb/meta');
  });

  it('keeps the sample equal to the declarations', () => {
    expect(readFileSync('config/tidegate.sample.toml', 'utf8')).toBe(formatSample(configRegistry));
  });

  it('has the defaults in the sample, directories apart', () => {
    const sample = loadConfig(
      configRegistry,
      readFileSync('config/tidegate.sample.toml', 'utf8'),
      {},
    );
    const defaults = loadConfig(configRegistry, dirs, {});
    expect(sample.warnings).toEqual([]);
    expect({
      ...sample.config,
      meta: { ...sample.config.meta, dir: '/m' },
      data: { ...sample.config.data, dir: '/d', walDir: '/w' },
    }).toEqual(defaults.config);
  });

  it('loads the development configuration', () => {
    const { config, warnings } = loadConfig(
      configRegistry,
      readFileSync('config/tidegate.dev.toml', 'utf8'),
      {},
    );
    expect(warnings).toEqual([]);
    expect([config.meta.dir, config.data.dir, config.data.walDir]).toEqual([
      'data/meta',
      'data/data',
      'data/wal',
    ]);
  });

  it.each([
    ['', 'Meta.Dir must be specified'],
    ['[meta]\ndir = "/m"', 'Data.Dir must be specified'],
    ['[meta]\ndir = "/m"\n[data]\ndir = "/d"', 'Data.WALDir must be specified'],
    [`${dirs}index-version = "x"`, 'unrecognized index x'],
    [`${dirs}index-dir = "/d/index"`, 'Data.IndexDir must not be inside Data.Dir'],
    [
      `${dirs}[monitor]\nstore-enabled = true\nstore-interval = "0s"`,
      'monitor store interval must be positive',
    ],
    [`${dirs}[retention]\ncheck-interval = "-1s"`, 'check-interval must be positive'],
    [`${dirs}[shard-precreation]\nadvance-period = "0s"`, 'advance-period must be positive'],
    [`${dirs}[continuous_queries]\nrun-interval = "0s"`, 'run-interval must be positive'],
    [`${dirs}[subscriber]\nwrite-concurrency = 0`, 'write-concurrency must be greater than 0'],
    [`${dirs}[subscriber]\nwrite-buffer-size = 0`, 'write-buffer-size must be greater than 0'],
    [`${dirs}[subscriber]\nhttp-timeout = "0s"`, 'http-timeout must be greater than 0'],
    [`${dirs}[logging]\nlevel = "foo"`, 'parse config: unrecognized level: "foo"'],
    [
      `${dirs}[[collectd]]\nsecurity-level = "q"`,
      'invalid collectd config: Invalid security level',
    ],
    [
      `${dirs}[tls]\nmin-version = "x"`,
      'unknown tls version: "x". available versions: SSL3.0, TLS1.0, TLS1.1, TLS1.2, TLS1.3',
    ],
  ])('refuses %j', (toml, text) => {
    expect(fails(toml)).toBe(text);
  });
});
