import { RequestTracker } from './request-tracker.js';

describe('RequestTracker', () => {
  it('counts by user and address while a look is under way', async () => {
    const tracker = new RequestTracker();
    const end = new AbortController();
    tracker.note('writes', '', '127.0.0.1');
    const look = tracker.look(60_000, end.signal);
    tracker.note('writes', '', '127.0.0.1');
    tracker.note('queries', '', '127.0.0.1');
    tracker.note('writes', 'ann', '10.0.0.7');
    end.abort();
    expect(await look).toBe(
      '{\n"127.0.0.1": {"writes":1,"queries":1},\n"ann:10.0.0.7": {"writes":1,"queries":0}\n}\n',
    );
    tracker.note('writes', '', '127.0.0.1');
  });

  it('sees nothing in an idle second', async () => {
    expect(await new RequestTracker().look(1, new AbortController().signal)).toBe('{\n\n}\n');
  });
});
