/** One server subscribed to another through trouble; `scripts/subscription-rounds.mjs` does more of it, for longer. */
import {
  query,
  startServer,
  subscriptionRounds,
  temporaryFolder,
  WriteSink,
} from '../support/index.js';

describe('a subscriber in trouble', () => {
  it('gets everything once, in order', async () => {
    const [a, b] = [temporaryFolder(), temporaryFolder()];
    const server = await startServer({ folder: a.path });
    await query(server.url, 'CREATE DATABASE k');
    const report = await subscriptionRounds({
      url: server.url,
      startSubscriber: async () => {
        const subscriber = await startServer({ folder: b.path });
        await query(subscriber.url, 'CREATE DATABASE k');
        return subscriber;
      },
      writers: 5,
      points: 30_000,
      pointsPerBatch: 200,
      stopMs: 500,
      refuseMs: 300,
      log: () => undefined,
    });
    expect(report.faults).toEqual([]);
    expect(report.acknowledgedPoints).toBe(30_000);
    expect(report.requestsFailed).toBeGreaterThan(0);
    await server.stop();
    a.remove();
    b.remove();
  }, 120_000);

  it('loses exactly what it says, with queues in memory (S14 b)', async () => {
    const sink = await WriteSink.open();
    sink.answer = () => ({ status: 500 });
    const folder = temporaryFolder();
    const server = await startServer({
      folder: folder.path,
      toml: '[subscriber]\nqueue-storage = "memory"\nwrite-buffer-size = 10\ntotal-buffer-bytes = 20000',
    });
    const { url } = server;
    await query(url, 'CREATE DATABASE k');
    await query(url, `CREATE SUBSCRIPTION s ON k.autogen DESTINATIONS ALL '${sink.url}'`);
    const write = async (n: number): Promise<void> => {
      const lines = Array.from({ length: 5 }, (_, i) => `m v=${n} ${10 * n + i}`);
      await (await fetch(`${url}/write?db=k`, { method: 'POST', body: lines.join('\n') })).text();
    };
    // Full, empty, full again: what is full once must not stay so.
    for (let round = 0; round < 3; round++) {
      sink.answer = () => ({ status: 500 });
      for (let n = 0; n < 40; n++) await write(100 * round + n);
      sink.answer = () => ({ status: 204 });
      const last = `m v=${100 * round + 39} ${10 * (100 * round + 39) + 4}`;
      await sink.until(() => sink.lines.includes(last));
    }
    const answer = await query(url, "SHOW STATS FOR 'subscriber_queue'");
    const [series] = answer.results?.[0].series ?? [];
    const values = series.values[0].map(Number);
    const counted = Object.fromEntries(series.columns.map((name, i) => [name, values[i]]));
    expect(counted).toMatchObject({
      pointsOffered: 600,
      pointsDelivered: sink.lines.length,
      pointsDroppedQueueFull: 600 - sink.lines.length,
      pointsDroppedLost: 0,
      pointsDroppedRefused: 0,
      pointsWaiting: 0,
    });
    expect(new Set(sink.lines).size).toBe(sink.lines.length);
    expect(sink.lines.length).toBeGreaterThanOrEqual(3 * 50);
    await server.stop();
    folder.remove();
    await sink.close();
  }, 60_000);
});
