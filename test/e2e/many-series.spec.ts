import { query, startServer, temporaryFolder } from '#test-support';

const SERIES = 150_000;

describe('many series', () => {
  it('are listed, counted and found, before and after a restart', async () => {
    const folder = temporaryFolder();
    const options = { folder: folder.path, sections: { data: 'max-values-per-tag = 0' } };
    let server = await startServer(options);
    const ask = async (q: string): Promise<unknown> => {
      const { results, error } = await query(server.url, q, { db: 'd', epoch: 'ns' });
      return results?.[0].error ?? error ?? results?.[0].series?.[0].values;
    };
    const check = async (): Promise<void> => {
      expect(await ask('SHOW SERIES EXACT CARDINALITY')).toEqual([[SERIES]]);
      // More of them than a function takes arguments.
      expect(await ask(`SHOW SERIES LIMIT 1 OFFSET ${SERIES - 1}`)).toEqual([['m,a=99999']]);
      expect(await ask("SELECT f FROM m WHERE a = '77777'")).toEqual([[1, 77777]]);
      expect(await ask('SELECT count(f) FROM m WHERE a =~ /^1234/')).toEqual([[0, 111]]);
    };
    try {
      await query(server.url, 'CREATE DATABASE d');
      for (let from = 0; from < SERIES; from += 50_000) {
        const lines = Array.from({ length: 50_000 }, (_, i) => `m,a=${from + i} f=${from + i} 1`);
        const answer = await fetch(`${server.url}/write?db=d`, {
          method: 'POST',
          body: lines.join('\n'),
        });
        expect(await answer.text()).toBe('');
      }
      await check();
      await server.stop();
      server = await startServer(options);
      await check();
    } finally {
      await server.stop();
      folder.remove();
    }
  }, 60_000);
});
