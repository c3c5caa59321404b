/** Subscribers over HTTPS whose certificate nobody vouches for: refused, unless its authority is named or nothing is checked. */
import { readFileSync } from 'node:fs';
import { query, startServer, temporaryFolder, WriteSink } from '#test-support';

const PEM = 'test/fixtures/tls/first.pem';
const OTHER_PEM = 'test/fixtures/tls/second.pem';

/** What a server with these keys does for a destination with a certificate of its own. */
async function f(keys: string): Promise<{ lines: readonly string[]; output: string }> {
  const sink = await WriteSink.open(0, readFileSync(PEM, 'utf8'));
  const folder = temporaryFolder();
  const server = await startServer({ folder: folder.path, toml: `[subscriber]\n${keys}` });
  try {
    await query(server.url, 'CREATE DATABASE d');
    const q = `CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL '${sink.url}'`;
    expect((await query(server.url, q)).results).toEqual([{ statement_id: 0 }]);
    await fetch(`${server.url}/write?db=d`, { method: 'POST', body: 'm v=1 1' });
    for (;;) {
      const { results } = await query(server.url, "SHOW STATS FOR 'subscriber'");
      const own = results?.[0]?.series?.find(({ tags }) => tags?.['destination'] === sink.url);
      if (own?.values[0]?.some((count) => Number(count) > 0) === true) break;
    }
    return { lines: [...sink.lines], output: server.output() };
  } finally {
    await server.stop();
    await sink.close();
    folder.remove();
  }
}

describe('subscribers over HTTPS', () => {
  it('are refused without a certificate that can be trusted', async () => {
    const { lines, output } = await f('');
    expect(lines).toEqual([]);
    expect(output).toMatch(/self-signed certificate/);
  }, 60_000);

  it('are trusted by ca-certs', async () => {
    expect((await f(`ca-certs = "${PEM}"`)).lines).toEqual(['m v=1 1']);
  }, 60_000);

  it('are refused where ca-certs name somebody else', async () => {
    const { lines, output } = await f(`ca-certs = "${OTHER_PEM}"`);
    expect(lines).toEqual([]);
    expect(output).toMatch(/self-signed certificate/);
  }, 60_000);

  it('are taken unchecked by insecure-skip-verify', async () => {
    expect((await f('insecure-skip-verify = true')).lines).toEqual(['m v=1 1']);
  }, 60_000);
});
