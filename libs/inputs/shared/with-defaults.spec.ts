import { builtInInputs } from '../built-in.js';
import { benchInput } from '../testing/index.js';
import { udpInput } from '../udp/udp.input.js';
import { udpSection } from '../udp/udp.config.js';
import { parseBindAddress } from './bind-address.js';
import { withDefaults } from './with-defaults.js';

describe('withDefaults', () => {
  it('puts defaults in place of what is empty, in the keys named', () => {
    const { config } = benchInput(
      udpInput,
      'database = ""\nbatch-size = 0\nbatch-timeout = "0s"\nretention-policy = ""\nprecision = "s"',
    );
    const values = config as Parameters<typeof withDefaults<typeof udpSection.keys>>[1];
    const filled = withDefaults(udpSection, values, ['database', 'batchSize', 'precision']);
    expect(filled).toEqual({ ...values, database: 'udp', batchSize: 5000, precision: 's' });
  });

  // Seen on InfluxDB 1.6.7.
  it.each([
    ['graphite', 'graphite :2003'],
    ['collectd', 'collectd :25826'],
    ['opentsdb', 'opentsdb :4242'],
  ])('lets %s listen where it does by default', (kind, listener) => {
    const definition = builtInInputs.find(({ section }) => section.name === kind);
    if (definition === undefined) throw new TypeError(kind);
    const { input } = benchInput(definition, 'bind-address = ""');
    expect(input.ledger.listener).toBe(listener);
  });

  it('lets UDP say that it needs an address', async () => {
    const { input } = benchInput(udpInput, 'bind-address = ""');
    await expect(input.open()).rejects.toThrow('bind address has to be specified in config');
    await input.close();
  });
});

describe('parseBindAddress', () => {
  it('names a port that is none', () => {
    expect(() => parseBindAddress('127.0.0.1:999999')).toThrow('address 999999: invalid port');
  });
});
