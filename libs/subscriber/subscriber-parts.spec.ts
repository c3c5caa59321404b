/** The small parts: waits, datagrams, names of readers, one line a minute. */
import { redactUrl } from '#kernel';
import { ManualClock, RecordedLog } from '../../test/support/index.js';
import { BackOff } from './back-off.js';
import { MinuteLog } from './minute-log.js';
import { datagramsOf } from './udp-sender.js';

describe('BackOff', () => {
  it('doubles up to its longest wait, half of it by chance, and begins anew', () => {
    const f = (random: number): number[] => {
      const backOff = new BackOff({ minMs: 100, maxMs: 400, random: () => random });
      const waits = [0, 0, 0, 0].map((asked) => backOff.next(asked));
      backOff.reset();
      return [...waits, backOff.next(250), backOff.next(9000)];
    };
    expect(f(1)).toEqual([100, 200, 400, 400, 250, 400]);
    expect(f(0)).toEqual([50, 100, 200, 200, 250, 400]);
  });
});

describe('datagramsOf', () => {
  const f = (body: string, sizeMax: number): string[] =>
    [...datagramsOf(new TextEncoder().encode(body), sizeMax)].map((part) =>
      new TextDecoder().decode(part),
    );

  it('puts whole lines together, without the last newline', () => {
    expect(f('a v=1 1\nb v=2 2\nc v=3 3\n', 15)).toEqual(['a v=1 1\nb v=2 2', 'c v=3 3']);
    expect(f('a v=1 1\nb v=2 2\n', 14)).toEqual(['a v=1 1', 'b v=2 2']);
    expect(f('a v=1 1', 3)).toEqual(['a v=1 1']);
    expect(f('a v="x\ny" 1\nb v=1 2\n', 3)).toEqual(['a v="x\ny" 1', 'b v=1 2']);
    expect(f('', 10)).toEqual([]);
  });
});

describe('MinuteLog', () => {
  it('logs once a minute, and how many were left out', () => {
    const log = new RecordedLog();
    const clock = new ManualClock();
    const minute = new MinuteLog(log, clock);
    for (let i = 0; i < 180; i++) {
      minute.warn('Write failed', { i });
      clock.advanceMs(1000);
    }
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      { i: 0 },
      { i: 60, suppressed: 59 },
      { i: 120, suppressed: 59 },
    ]);
  });
});

describe('redactUrl', () => {
  it.each([
    ['http://h:1/x?y=z', 'http://h:1/x?y=z'],
    ['http://us:pw@h:1', 'http://us:xxxxx@h:1'],
    ["x 'http://us:p%40:w@h:1', 'udp://a:b@h:2'", "x 'http://us:xxxxx@h:1', 'udp://a:xxxxx@h:2'"],
    ['http://us@h:1', 'http://us@h:1'],
  ])('%s', (text, redacted) => {
    expect(redactUrl(text)).toBe(redacted);
  });
});
