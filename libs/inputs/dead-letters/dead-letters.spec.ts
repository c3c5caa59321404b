import { NodeFileSystem, silentLogger, SystemClock } from '#kernel';
import { ManualClock, temporaryFolder } from '#test-support';
import { graphiteInput } from '../graphite/graphite.input.js';
import { udpInput } from '../udp/udp.input.js';
import { benchInput, type InputBench } from '../testing/index.js';
import type { RejectedInput } from '../shared/ingest-ledger.js';
import type { DeadLettersConfig } from './dead-letters.config.js';
import { DeadLetters, type LetterFilter } from './dead-letters.js';
import { deadLetterRoutes } from './dead-letter-routes.js';
import { inputTaker } from './input-taker.js';
import { replayLetters, type TakerSource } from './replay-letters.js';

const HOUR_NS = 3_600_000_000_000n;
const folder = temporaryFolder();
let boxes = 0;
afterAll(() => folder.remove());

const config: DeadLettersConfig = {
  isEnabled: true,
  isHttpKept: false,
  dir: '',
  sizeMaxBytes: 2 ** 20,
  ageMaxMs: 0,
  letterMaxBytes: 1000,
  perSecondMax: 0,
};

function box(
  changes: Partial<DeadLettersConfig> = {},
  clock = new ManualClock(),
  name = '',
): DeadLetters {
  return new DeadLetters({
    config: { ...config, ...changes },
    directory: name || `${folder.path}/${boxes++}`,
    files: new NodeFileSystem(),
    clock,
    logger: silentLogger,
  });
}

const letter = (raw: string, changes: Partial<RejectedInput> = {}): RejectedInput => ({
  listener: 'udp :8089',
  peer: '10.0.0.7:1',
  reason: 'bad line',
  text: 'missing fields',
  raw: Buffer.from(raw),
  timeNs: 1_600_000_000_000_000_000n,
  target: {},
  ...changes,
});

/** The bytes of letters that are there, oldest first. */
async function rawOf(letters: DeadLetters, filter: LetterFilter = {}): Promise<readonly string[]> {
  const found: string[] = [];
  await letters.forEach(filter, ({ raw }) => void found.push(Buffer.from(raw).toString()));
  return found;
}

const countersOf = (letters: DeadLetters): Readonly<Record<string, number>> =>
  letters.statistics()[0]?.values ?? {};

describe('DeadLetters', () => {
  it('keeps letters as they came, also over a restart', async () => {
    const name = `${folder.path}/restart`;
    const first = box({}, new ManualClock(), name);
    await first.open();
    first.reject(letter('one', { target: { database: 'd' } }));
    first.reject(letter('tw\n\x00o', { listener: 'graphite :2003' }));
    await first.close();
    const second = box({}, new ManualClock(), name);
    await second.open();
    expect(await rawOf(second)).toEqual(['one', 'tw\n\x00o']);
    const [newest, oldest] = await second.newest({}, 10);
    expect(oldest).toEqual({
      ...letter('one', { target: { database: 'd' } }),
      id: expect.any(Number),
      raw: expect.any(Uint8Array),
    });
    expect(newest?.id).toBeGreaterThan(oldest?.id ?? 0);
    expect(await second.newest({}, 1)).toHaveLength(1);
    expect(await rawOf(second, { listener: 'graphite' })).toEqual(['tw\n\x00o']);
    expect(await rawOf(second, { reason: 'other' })).toEqual([]);
    expect(await rawOf(second, { ids: [oldest?.id ?? -1] })).toEqual(['one']);
    await second.close();
  });

  it('forgets what is removed, also over a restart', async () => {
    const name = `${folder.path}/removed`;
    const first = box({}, new ManualClock(), name);
    await first.open();
    for (const raw of ['a', 'b', 'c']) first.reject(letter(raw));
    const [, middle] = await first.newest({}, 3);
    await first.remove([middle?.id ?? -1], 'removed');
    expect(await rawOf(first)).toEqual(['a', 'c']);
    await first.close();
    const second = box({}, new ManualClock(), name);
    await second.open();
    expect(await rawOf(second)).toEqual(['a', 'c']);
    await second.close();
  });

  it('keeps no more than its size, the newest', async () => {
    const letters = box({ sizeMaxBytes: 300_000 });
    await letters.open();
    for (let i = 0; i < 2000; i++) {
      letters.reject(letter(`${i} ${'x'.repeat(800)}`));
      // Letters may wait for the disk to a limit.
      if (i % 500 === 0) await rawOf(letters, { ids: [] });
    }
    await letters.close();
    await letters.open();
    letters.reject(letter('last'));
    await rawOf(letters);
    await letters.close();
    expect(countersOf(letters)['kept']).toBe(2001);
    await letters.open();
    const found = await rawOf(letters);
    const bytes = countersOf(letters)['diskBytes'] ?? 0;
    expect(bytes).toBeLessThanOrEqual(300_000);
    expect(found.length).toBeGreaterThan(100);
    expect(found.at(-1)).toBe('last');
    await letters.close();
  });

  it('shows nothing that is too old', async () => {
    const clock = new ManualClock();
    const letters = box({ ageMaxMs: 3_600_000 }, clock);
    await letters.open();
    const nowNs = clock.nowNs();
    letters.reject(letter('old', { timeNs: nowNs - 2n * HOUR_NS }));
    letters.reject(letter('new', { timeNs: nowNs }));
    expect(await rawOf(letters)).toEqual(['new']);
    await letters.close();
  });

  it('samples a flood, and counts what it leaves out', async () => {
    const letters = box({ perSecondMax: 3, letterMaxBytes: 10 });
    await letters.open();
    for (let i = 0; i < 5000; i++) letters.reject(letter(`${i}`));
    letters.reject(letter('x', { reason: 'another' }));
    letters.reject(letter('far too large'));
    expect(await rawOf(letters)).toHaveLength(31);
    await letters.close();
    expect(countersOf(letters)).toMatchObject({ kept: 31, sampledOut: 4970, tooLarge: 1 });
  });

  it('takes no more memory than may wait for the disk', async () => {
    const letters = box({ letterMaxBytes: 2 ** 20, sizeMaxBytes: 2 ** 26 });
    await letters.open();
    for (let i = 0; i < 9; i++) letters.reject(letter('x'.repeat(2 ** 20)));
    await letters.close();
    expect(countersOf(letters)).toMatchObject({ kept: 4, sampledOut: 5 });
  });

  it('does nothing while it is closed or off', async () => {
    const letters = box();
    letters.reject(letter('x'));
    expect(await rawOf(letters)).toEqual([]);
    const off = box({ isEnabled: false });
    await off.open();
    off.reject(letter('x'));
    expect([await rawOf(off), off.statistics()]).toEqual([[], []]);
    await off.close();
  });
});

describe('replayLetters', () => {
  /** Replays Graphite lines into a bench. */
  async function replay(letters: DeadLetters, bench: InputBench) {
    return replayLetters(letters, {}, (listener) =>
      listener === 'graphite :2003'
        ? inputTaker((context) => graphiteInput.create(bench.config, context), bench.context)
        : null,
    );
  }
  const lines = (...raws: readonly string[]): readonly RejectedInput[] =>
    raws.map((raw) => letter(raw, { listener: 'graphite :2003' }));
  const filled = async (...rejected: readonly RejectedInput[]): Promise<DeadLetters> => {
    const letters = box();
    await letters.open();
    for (const each of rejected) letters.reject(each);
    return letters;
  };

  it('stores what is good now and forgets it; what is not stays', async () => {
    const letters = await filled(...lines('a.b 1 1500000000', 'nonsense', 'c 2'));
    const bench = benchInput(graphiteInput, 'enabled = true', { clock: new SystemClock() });
    expect(await replay(letters, bench)).toEqual({
      replayed: 2,
      rejected: 1,
      failed: 0,
      reasons: ['received "nonsense" which doesn\'t have required fields'],
    });
    // Without a time of its own: the letter's.
    expect(bench.sink.lines('graphite')).toEqual([
      'a.b value=1 1500000000000000000',
      'c value=2 1600000000000000000',
    ]);
    expect(await rawOf(letters)).toEqual(['nonsense']);
    expect(countersOf(letters)).toMatchObject({ replayed: 2 });
    await letters.close();
  });

  it('keeps what storage does not take, and only that', async () => {
    const letters = await filled(...lines('a 1 1500000000', 'b 2 1500000000', 'c 3 1500000000'));
    const bench = benchInput(graphiteInput, 'enabled = true');
    // All of the batch, then the first of those that are tried one by one.
    bench.sink.refusals = 4;
    expect(await replay(letters, bench)).toMatchObject({ replayed: 2, rejected: 1, failed: 0 });
    expect(await rawOf(letters)).toHaveLength(1);
    bench.sink.failures = Number.POSITIVE_INFINITY;
    expect(await replay(letters, bench)).toMatchObject({ replayed: 0, rejected: 0, failed: 1 });
    expect(await rawOf(letters)).toHaveLength(1);
    await letters.close();
  });

  it('says where nobody takes them', async () => {
    const letters = await filled(letter('x'));
    const bench = benchInput(graphiteInput, 'enabled = true');
    expect(await replay(letters, bench)).toEqual({
      replayed: 0,
      rejected: 0,
      failed: 1,
      reasons: ['udp :8089: no such listener, or it cannot replay'],
    });
    await letters.close();
  });
});

describe('what cannot be replayed', () => {
  it('says why, in the list and when it is tried', async () => {
    const letters = box();
    await letters.open();
    letters.reject(letter('cut', { target: { unreplayable: 'only the beginning is kept' } }));
    letters.reject(letter('whole'));
    letters.reject(letter('foreign', { listener: 'gone :1' }));
    const bench = benchInput(udpInput);
    const takerFor: TakerSource = (listener) =>
      listener === 'udp :8089'
        ? inputTaker((context) => udpInput.create(bench.config, context), bench.context)
        : null;
    const [list] = deadLetterRoutes(letters, takerFor);
    const answer = await list?.handle({ parameter: () => '' });
    const { letters: listed } = JSON.parse(answer?.body ?? '') as {
      letters: { unreplayable: string }[];
    };
    expect(listed.map(({ unreplayable }) => unreplayable)).toEqual([
      'no such listener, or it cannot replay',
      '',
      'only the beginning is kept',
    ]);
    expect(await replayLetters(letters, {}, takerFor)).toEqual({
      replayed: 0,
      rejected: 1,
      failed: 2,
      reasons: [
        'udp :8089: only the beginning is kept',
        'missing fields',
        'gone :1: no such listener, or it cannot replay',
      ],
    });
    await letters.close();
  });

  it('takes a pickle through the reader of pickles', async () => {
    const letters = box();
    await letters.open();
    const raw = '(lp0\n(Vsystem.load\np1\n(I1500000000\nF1.5\ntp2\ntp3\na.';
    const listener = 'graphite :2003';
    letters.reject(letter(raw, { listener, target: { form: 'pickle' } }));
    letters.reject(letter('cos\nsystem\n.', { listener, target: { form: 'pickle' } }));
    const bench = benchInput(graphiteInput, 'enabled = true');
    const forms: string[] = [];
    const report = await replayLetters(letters, {}, (_listener, form) => {
      forms.push(form);
      return inputTaker((context) => graphiteInput.create(bench.config, context), bench.context);
    });
    expect(report).toMatchObject({ replayed: 1, rejected: 1, failed: 0 });
    expect(forms).toEqual(['pickle']);
    expect(bench.sink.lines('graphite')).toEqual(['system.load value=1.5 1500000000000000000']);
    await letters.close();
  });
});

describe('deadLetterRoutes', () => {
  it('answers, and refuses to change everything by mistake', async () => {
    const letters = box();
    await letters.open();
    letters.reject(letter('a\x01'));
    letters.reject(letter('b', { reason: 'other' }));
    const routes = deadLetterRoutes(letters, () => null);
    const f = async (path: string, parameters: Readonly<Record<string, string>> = {}) => {
      const route = routes.find((each) => each.path === path);
      const answer = await route?.handle({ parameter: (name) => parameters[name] ?? '' });
      return JSON.parse(answer?.body ?? '') as Record<string, unknown>;
    };
    const { letters: listed } = (await f('/deadletters')) as { letters: Record<string, unknown>[] };
    expect(listed.map(({ sample }) => sample)).toEqual(['b', 'a\\x01']);
    const [, { id }] = listed;
    expect(await f('/deadletters/show', { id: String(id) })).toEqual({
      id,
      time: '2020-09-13T12:26:40.000Z',
      listener: 'udp :8089',
      peer: '10.0.0.7:1',
      reason: 'bad line',
      text: 'missing fields',
      target: {},
      bytes: 2,
      unreplayable: 'no such listener, or it cannot replay',
      raw: Buffer.from('a\x01').toString('base64'),
    });
    await expect(f('/deadletters/drop')).rejects.toThrow('say all=true');
    await expect(f('/deadletters/replay')).rejects.toThrow('say all=true');
    await expect(f('/deadletters/show', { id: '7' })).rejects.toThrow('no such dead letter');
    await expect(f('/deadletters/show', { id: 'x' })).rejects.toThrow(
      'no id of a dead letter: "x"',
    );
    await expect(f('/deadletters', { limit: '0' })).rejects.toThrow('limit must be between');
    expect(await f('/deadletters/drop', { reason: 'other' })).toEqual({ dropped: 1 });
    expect(await f('/deadletters/drop', { all: 'true' })).toEqual({ dropped: 1 });
    expect(await rawOf(letters)).toEqual([]);
    await letters.close();
  });
});
