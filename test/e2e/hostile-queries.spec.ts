import { hostileQueries, type HostileReport, startServer, temporaryFolder } from '#test-support';

/** Three times `max-query-memory`: what all queries together may hold. The process has its own memory and garbage beside it. */
const BUDGET_MIB = 3 * 512;

describe('hostile queries', () => {
  const folder = temporaryFolder();
  let report: HostileReport;

  beforeAll(async () => {
    const server = await startServer({ folder: folder.path });
    try {
      report = await hostileQueries(server, { rows: 60_000, concurrent: 200 });
    } finally {
      await server.stop();
    }
  }, 180_000);

  afterAll(() => folder.remove());

  it('leave /ping answered', () => {
    // The machine is shared with other tests: half of the answers, and no standstill.
    expect(report.pings).toBeGreaterThan(50);
    expect(report.pingP50Ms).toBeLessThan(100);
    expect(report.pingMaxMs).toBeLessThan(2000);
  });

  it('leave memory in its budget', () => {
    expect(report.memoryPeakMiB).toBeLessThan(BUDGET_MIB * 1.5);
  });

  it('are answered, or refused with a reason', () => {
    const texts = Object.values(report.outcomes).flatMap((counts) => Object.keys(counts));
    const refusals = /^(ok|.*nested too deeply|max-query-memory limit.*|.*error parsing regexp.*)$/;
    expect(texts.filter((text) => !refusals.test(text))).toEqual([]);
    expect(report.outcomes['fine grid']).toEqual({
      'max-query-memory limit exceeded: (n/n)': 1,
    });
  });

  it('end when they are killed, or when their client is gone', () => {
    expect(report.hangUpSeconds).toBeLessThan(1);
    expect(report.killSeconds).toBeLessThan(1);
  });
});
