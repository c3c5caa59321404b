import { printConfig } from './print-config.js';

describe('tidegate config', () => {
  it('explains every key where nothing is set', () => {
    expect(printConfig(undefined, { INFLUXDB_CONFIG_PATH: '/x', PATH: '/bin' })).toContain(
      '# Directory of meta.db. Must be given.\n  dir = "/var/lib/tidegate/meta"\n',
    );
  });

  it('shows what the environment sets', () => {
    const text = printConfig(undefined, { INFLUXDB_META_DIR: '/elsewhere' });
    expect(text).toContain('\n[meta]\n');
    expect(text).toContain('  dir = "/elsewhere"\n');
  });

  it('refuses what a server would refuse', () => {
    expect(() => printConfig(undefined, { INFLUXDB_RETENTION_CHECK_INTERVAL: '0s' })).toThrow(
      'check-interval must be positive',
    );
  });
});
