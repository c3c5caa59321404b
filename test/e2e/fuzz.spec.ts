import { fuzzWrites, startServer, temporaryFolder } from '#test-support';

describe('random and mutated bodies', () => {
  it('neither crash nor hang the server, and its counters add up', async () => {
    const folder = temporaryFolder();
    const server = await startServer({ folder: folder.path });
    try {
      const { FUZZ_SEED, FC_SEED } = process.env;
      const seed = Number(FUZZ_SEED ?? FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
      const report = await fuzzWrites(server, { bodies: 5000, seed });
      // The seed is in the report: FUZZ_SEED repeats a run.
      expect({ ...report, faults: report.faults }).toMatchObject({ seed, faults: [] });
    } finally {
      await server.stop();
      folder.remove();
    }
  }, 180_000);
});
