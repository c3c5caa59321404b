import { benchInput, type InputBench, sendUdp, until } from '../testing/index.js';
import { graphiteInput } from '../graphite/graphite.input.js';
import { udpInput } from '../udp/udp.input.js';
import { InputError } from './errors.js';
import type { RejectedInput } from './ingest-ledger.js';

const KEYS = 'bind-address = "127.0.0.1:0"\nbatch-timeout = "1ms"\n';
const raws = (rejected: readonly RejectedInput[]): readonly string[] =>
  rejected.map(({ raw }) => Buffer.from(raw).toString());

/** What a UDP listener makes of one datagram while storage does as told. */
async function f(
  body: string,
  prepare: (bench: InputBench) => void,
  keys = '',
): Promise<InputBench> {
  const bench = benchInput(udpInput, KEYS + keys);
  await bench.sink.ensureDatabase('udp');
  prepare(bench);
  await bench.input.open();
  await sendUdp(bench.input.addresses()[0] ?? '', Buffer.from(body));
  await until('the datagram', () => bench.input.ledger.snapshot().received > 0);
  await bench.input.close();
  return bench;
}

describe('points that storage refuses', () => {
  it('are kept as lines, with who sent them and where to', async () => {
    const body = 'a,t=x v=1 1\nb,z=1,y=\\ 2 s="q\\"",i=5i,u=T 2\nc v=3 3';
    const { rejected, sink, input } = await f(
      body,
      (bench) => (bench.sink.refusals = 2),
      'retention-policy = "r"\n',
    );
    expect(sink.lines('udp')).toEqual(['a,t=x v=1 1']);
    expect(raws(rejected)).toEqual(['b,y=\\ 2,z=1 i=5i,s="q\\"",u=true 2\nc v=3 3\n']);
    expect(rejected[0]).toMatchObject({
      listener: 'udp 127.0.0.1:0',
      peer: '127.0.0.1',
      reason: 'points beyond retention policy',
      text: 'points beyond retention policy',
      target: { form: 'line protocol', database: 'udp', retentionPolicy: 'r' },
    });
    const { received, stored, rejected: counts, offenders } = input.ledger.snapshot();
    expect({ received, stored, counts }).toEqual({
      received: 3,
      stored: 1,
      counts: [{ name: 'points beyond retention policy', count: 2 }],
    });
    expect(offenders[0]?.sample).toMatch(/^b,y=/);
  });

  it('are kept of batches that storage refuses as a whole, and count as lost', async () => {
    const { rejected, input } = await f('a v=1 1\nb v=2 2', ({ sink }) => {
      sink.failures = 1;
      sink.failure = new InputError('inputs.write-refused', 'retention policy not found: nope');
    });
    expect(raws(rejected)).toEqual(['a v=1 1\nb v=2 2\n']);
    expect(rejected[0]?.reason).toBe('retention policy not found');
    expect(rejected[0]?.text).toBe('retention policy not found: nope');
    expect(input.ledger.snapshot().dropped).toEqual([{ name: 'write', count: 2 }]);
  });

  it('are cut into pieces that fit, as many as may be', async () => {
    const name = 'x'.repeat(1000);
    const body = Array.from({ length: 60 }, (_, i) => `${name} v=${i} ${i}\n`).join('');
    const { rejected, input } = await f(body, (bench) => (bench.sink.refusals = 60));
    expect(rejected.length).toBeGreaterThan(2);
    expect(Math.max(...rejected.map(({ raw }) => raw.length))).toBeLessThanOrEqual(16 * 1024);
    expect(raws(rejected).join('')).toBe(body);
    expect(input.ledger.snapshot().rejected).toEqual([
      { name: 'points beyond retention policy', count: 60 },
    ]);
  });

  it('cost nothing where all are stored', async () => {
    const { rejected, input } = await f('a v=1 1', () => undefined);
    expect([rejected, input.ledger.snapshot().rejected]).toEqual([[], []]);
  });

  it('of inputs that are no line protocol are kept as lines, too', async () => {
    const bench = benchInput(graphiteInput, `${KEYS}protocol = "udp"\n`);
    bench.sink.refusals = 1;
    await bench.input.open();
    await sendUdp(bench.input.addresses()[0] ?? '', Buffer.from('a.b 1e-7 1500000000'));
    await until('the line', () => bench.rejected.length > 0);
    await bench.input.close();
    expect(raws(bench.rejected)).toEqual(['a.b value=0.0000001 1500000000000000000\n']);
  });
});

describe('a flood of refused points', () => {
  it('is made into lines only while somebody keeps them', async () => {
    const kept: string[] = [];
    const asked: string[] = [];
    const bench = benchInput(udpInput, KEYS, {
      rejects: {
        reject: ({ raw }) => void kept.push(Buffer.from(raw).toString()),
        isWanted: (listener, reason) => {
          asked.push(`${listener}: ${reason}`);
          return kept.length === 0;
        },
      },
    });
    await bench.sink.ensureDatabase('udp');
    bench.sink.refusals = 100;
    await bench.input.open();
    for (let n = 1; n <= 3; n++) {
      await sendUdp(bench.input.addresses()[0] ?? '', Buffer.from(`m v=${n} 1\nm v=${n} 2`));
      await until('the datagram', () => bench.input.ledger.snapshot().rejected[0]?.count === 2 * n);
    }
    await bench.input.close();
    expect(kept).toEqual(['m v=1 1\nm v=1 2\n']);
    expect(asked).toEqual(Array(3).fill('udp 127.0.0.1:0: points beyond retention policy'));
    expect(bench.input.ledger.snapshot().rejected).toEqual([
      { name: 'points beyond retention policy', count: 6 },
    ]);
  });
});
