import { benchInput, conformanceChecks, sendUdp, until } from '../testing/index.js';
import { udpInput } from './udp.input.js';

const encode = (first: number, count: number): Uint8Array =>
  Buffer.from(
    Array.from(
      { length: count },
      (_, i) => `m,h=${(first + i) % 7} v=${first + i} ${first + i}`,
    ).join('\n'),
  );

/** What a listener stores of some datagrams. */
async function stored(toml: string, ...datagrams: readonly string[]): Promise<readonly string[]> {
  const { input, sink } = benchInput(udpInput, `bind-address = "127.0.0.1:0"\n${toml}`);
  await input.open();
  await sendUdp(input.addresses()[0] ?? '', ...datagrams.map((each) => Buffer.from(each)));
  await until('all bytes', () => {
    const bytes = datagrams.reduce((sum, each) => sum + Buffer.byteLength(each), 0);
    return input.statistics()[0].values['bytesRx'] === bytes;
  });
  await input.close();
  return sink.lines('udp');
}

describe('UdpInput', () => {
  it.each(
    conformanceChecks({
      definition: udpInput,
      toml: 'bind-address = "127.0.0.1:0"',
      transport: 'udp',
      database: 'udp',
      encode,
      garbage: Buffer.from('m'),
      counters: [
        'pointsRx',
        'bytesRx',
        'pointsParseFail',
        'readFail',
        'batchesTx',
        'pointsTx',
        'batchesTxFail',
      ],
      badConfigs: [],
    }).map((check): [string, () => Promise<void>] => [check.name, () => check.run()]),
  )('%s', (_name, run) => run());

  it('loses a bad line only', async () => {
    expect(await stored('', 'a v=1 1\nbad\nb v=2i 2', 'c v="x" 3\n')).toEqual([
      'a v=1 1',
      'b v=2i 2',
      'c v="x" 3',
    ]);
  });

  it('ends an open quote and a trailing backslash with their datagram', async () => {
    expect(await stored('', 'a v="open', 'b v=1 1', 'c v=2\\', 'd v="x" 3', 'e v="y\\')).toEqual([
      'b v=1 1',
      'd v="x" 3',
    ]);
  });

  it('gives points without a time one of their own', async () => {
    const lines = await stored('', ...Array.from({ length: 20 }, (_, i) => `a v=${i}`));
    expect(new Set(lines.map((line) => line.split(' ')[2])).size).toBe(20);
  });

  it.each([
    ['', '7'],
    ['n', '7'],
    ['u', '7000'],
    ['ms', '7000000'],
    ['s', '7000000000'],
    ['m', '420000000000'],
    ['h', '25200000000000'],
    ['nonsense', '7'],
  ])('reads times in unit %j', async (precision, time) => {
    expect(await stored(`precision = "${precision}"`, 'a v=1 7')).toEqual([`a v=1 ${time}`]);
  });

  it('books dropped datagrams by their lines', async () => {
    const { input, sink } = benchInput(
      udpInput,
      'bind-address = "127.0.0.1:0"\nbatch-size = 1\nbatch-pending = 1',
    );
    await input.open();
    sink.hold();
    const address = input.addresses()[0] ?? '';
    await sendUdp(address, Buffer.from('a v=1 1'), Buffer.from('a v=1 2\n\na v=1 3\n'));
    await until('both', () => input.ledger.snapshot().received === 3);
    expect(input.ledger.snapshot()).toMatchObject({
      dropped: [{ name: 'batches pending', count: 2 }],
      inFlight: 1,
    });
    sink.release();
    await input.close();
    expect(sink.lines('udp')).toEqual(['a v=1 1']);
  });
});
