import { SystemClock } from '#kernel';
import { InputError } from './errors.js';
import { formatAddress, parseBindAddress } from './bind-address.js';
import { IngestLedger, LEDGER_NAMES_MAX, OFFENDERS_MAX } from './ingest-ledger.js';
import { kernelDropsOf } from './kernel-drops.js';
import { countLines } from './line-assembler.js';

describe('parseBindAddress', () => {
  it.each([
    [':8089', undefined, 8089],
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['[::1]:25826', '::1', 25826],
    ['host.example:1', 'host.example', 1],
  ])('reads %j', (text, host, port) => {
    expect(parseBindAddress(text)).toEqual({ host, port });
  });

  it.each(['', '8089', 'a:b', '::1:80', ':65536'])('refuses %j', (text) => {
    expect(() => parseBindAddress(text)).toThrow(InputError);
  });

  it('writes what it reads', () => {
    expect(formatAddress({ address: '::1', port: 5 })).toBe('[::1]:5');
    expect(formatAddress({ address: '10.0.0.1', port: 5 })).toBe('10.0.0.1:5');
  });
});

describe('kernelDropsOf', () => {
  const udp = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1101: 0100007F:4912 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 62042 2 0000000000000000 1491
 2711: 00000000:4F5A 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 62042 2 0000000000000000 0
`;
  const udp6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  101: 00000000000000000000000001000000:1F99 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 7
  102: 00000000000000000000000000000000:1F99 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 8
  103: 0000000000000000FFFF00000100007F:1F99 00000000000000000000000000000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0000000000000000 9
`;
  it.each([
    [udp, '127.0.0.1', 0x4912, 1491],
    [udp, '0.0.0.0', 0x4f5a, 0],
    [udp, '127.0.0.1', 1, null],
    [udp6, '::1', 0x1f99, 7],
    [udp6, '::', 0x1f99, 8],
    [udp6, '::ffff:127.0.0.1', 0x1f99, 9],
    ['', '::', 1, null],
  ])('finds the socket', (table, address, port, drops) => {
    expect(kernelDropsOf(table, address, port)).toBe(drops);
  });
});

describe('IngestLedger', () => {
  const raw = Buffer.from('a\x00ü');

  it('keeps the last offenders, and tells of all', () => {
    const told: string[] = [];
    const ledger = new IngestLedger('l', new SystemClock(), ({ text }) => told.push(text));
    for (let i = 0; i < OFFENDERS_MAX + 5; i++) {
      ledger.receive(1);
      ledger.reject({ reason: 'bad', text: `t${i}`, peer: 'p', raw });
    }
    const { offenders, rejected, received, inFlight } = ledger.snapshot();
    expect(told).toHaveLength(OFFENDERS_MAX + 5);
    expect(offenders).toHaveLength(OFFENDERS_MAX);
    expect(offenders[0]).toMatchObject({
      text: `t${OFFENDERS_MAX + 4}`,
      sample: 'a\\x00\\xc3\\xbc',
    });
    expect([rejected, received, inFlight]).toEqual([
      [{ name: 'bad', count: OFFENDERS_MAX + 5 }],
      OFFENDERS_MAX + 5,
      0,
    ]);
  });

  it('tells a bounded number of reasons apart', () => {
    const ledger = new IngestLedger('l', new SystemClock());
    ledger.receive(1000);
    for (let i = 0; i < 1000; i++) ledger.refuse(1, 'x'.repeat(1 + (i % 60)) + '-'.repeat(i / 60));
    const { rejected } = ledger.snapshot();
    expect(rejected).toHaveLength(LEDGER_NAMES_MAX + 1);
    expect(rejected[LEDGER_NAMES_MAX]).toEqual({ name: 'other', count: 1000 - LEDGER_NAMES_MAX });
  });

  it('counts what differs in details only as one reason', () => {
    const ledger = new IngestLedger('test', new SystemClock());
    const f = (text: string): string => {
      ledger.refuse(1, text);
      return ledger.snapshot().rejected.at(-1)?.name ?? '';
    };
    expect(f('field type conflict: input field "a" on measurement "b" is type float')).toBe(
      'field type conflict',
    );
    expect(f('max-values-per-tag limit exceeded (2/2): measurement="m"')).toBe(
      'max-values-per-tag limit exceeded',
    );
    expect(f('new series refused: database "d" is over its budget')).toBe('new series refused');
    expect(f('point time 2020-01-01T00:00:00Z is more than 1h behind')).toBe(
      'outside write window',
    );
    expect(f('')).toBe('other');
  });

  it('takes what the kernel dropped for received', () => {
    const ledger = new IngestLedger('l', new SystemClock());
    ledger.dropInKernel(3);
    expect(ledger.snapshot()).toMatchObject({
      received: 3,
      dropped: [{ name: 'kernel', count: 3 }],
      inFlight: 0,
    });
  });
});

describe('countLines', () => {
  it.each([
    ['', 0],
    ['\n\n', 0],
    ['a', 1],
    ['a\n', 1],
    ['\na\n\nb', 2],
  ])('of %j', (text, lines) => {
    expect(countLines(Buffer.from(text))).toBe(lines);
  });
});
