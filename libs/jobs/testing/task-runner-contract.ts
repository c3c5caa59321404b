/**
 * What any driver of the TaskRunner port has to do. A driver's spec calls this with a way to make runners that share their
 * leases, as processes of one cluster would.
 */
import type { TaskRunner } from '../task-runner.js';

/** Makes two runners over the same leases. */
export type RunnerPair = () => Promise<readonly [TaskRunner, TaskRunner]>;

/** A promise and what ends it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((done) => (open = done));
  return { opened, open };
}

/** Declares the contract's tests. */
export function taskRunnerContract(makePair: RunnerPair): void {
  it('runs a task once, whoever asks, and again when it has ended', async () => {
    const [first, second] = await makePair();
    const { opened, open } = gate();
    const ran: string[] = [];
    const running = first.runExclusive('a', async () => {
      ran.push('first');
      await opened;
    });
    expect(await second.runExclusive('a', async () => void ran.push('second'))).toBe(false);
    expect(await first.runExclusive('a', async () => void ran.push('again'))).toBe(false);
    expect(await second.runExclusive('b', async () => void ran.push('other'))).toBe(true);
    open();
    expect(await running).toBe(true);
    expect(await second.runExclusive('a', async () => void ran.push('second'))).toBe(true);
    expect(ran).toEqual(['first', 'other', 'second']);
    await Promise.all([first.close(), second.close()]);
  });

  it('passes on the error of a task and gives the lease back', async () => {
    const [first, second] = await makePair();
    await expect(
      first.runExclusive('a', () => Promise.reject(new TypeError('broken'))),
    ).rejects.toThrow('broken');
    let hasRun = false;
    await second.runExclusive('a', async () => void (hasRun = true));
    expect(hasRun).toBe(true);
    await Promise.all([first.close(), second.close()]);
  });

  it('tells a running task to stop and waits for it', async () => {
    const [first, second] = await makePair();
    const order: string[] = [];
    const running = first.runExclusive('a', async ({ signal }) => {
      await new Promise((done) => signal.addEventListener('abort', done));
      order.push('stopped');
    });
    await second.runExclusive('b', async () => undefined);
    await first.close();
    order.push('closed');
    await running;
    expect(order).toEqual(['stopped', 'closed']);
    expect(await first.runExclusive('a', async () => void order.push('late'))).toBe(false);
    expect(await second.runExclusive('a', async () => void order.push('taken over'))).toBe(true);
    await second.close();
    await first.close();
    expect(order).toEqual(['stopped', 'closed', 'taken over']);
  });
}
