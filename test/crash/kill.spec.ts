import { killRounds, temporaryFolder } from '#test-support';

describe('kill -9 under load', () => {
  it('loses nothing that was acknowledged', async () => {
    const folder = temporaryFolder();
    try {
      const report = await killRounds(folder.path, Number(process.env['KILL_ROUNDS'] ?? 5));
      expect(report.faults).toEqual([]);
      expect(report.acknowledgedPoints).toBeGreaterThan(0);
    } finally {
      folder.remove();
    }
  }, 300_000);
});
