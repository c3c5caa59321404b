import { query, type ServerProcess, startServer, temporaryFolder } from '#test-support';

describe('a client that asks for verdicts', () => {
  const folder = temporaryFolder();
  let server: ServerProcess;
  const nowNs = `${Date.now()}000000`;

  beforeAll(async () => {
    server = await startServer({ folder: folder.path });
    await query(server.url, 'CREATE DATABASE v WITH DURATION 1d');
    await fetch(`${server.url}/write?db=v`, { method: 'POST', body: `m f=1 ${nowNs}` });
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    folder.remove();
  }, 60_000);

  const write = async (body: string, accept = 'application/vnd.tidegate.write+json') => {
    const answer = await fetch(`${server.url}/write?db=v`, {
      method: 'POST',
      body,
      headers: { accept },
    });
    const text = await answer.text();
    return { status: answer.status, type: answer.headers.get('content-type'), text };
  };

  it('is told of every line that was not stored, with its reason', async () => {
    const body = [
      '# a comment',
      `m f=2 ${nowNs}`,
      'm',
      `m,host=a f="text",g=1 ${nowNs}`,
      '',
      'm f=3 1000',
      `m s="two\nlines",f=true ${nowNs}`,
      `m f=4 ${nowNs}x`,
    ].join('\n');
    const { status, type, text } = await write(body);
    expect([status, type]).toEqual([400, 'application/vnd.tidegate.write+json']);
    const conflict = (got: string): string =>
      `field type conflict: input field "f" on measurement "m" is type ${got}, already exists as type float`;
    expect(JSON.parse(text)).toMatchObject({
      points: 1,
      rejected: 2,
      dropped: 3,
      lines: [
        { line: 3, reason: 'missing fields', text: 'm' },
        { line: 4, reason: conflict('string'), text: `m,host=a f="text",g=1 ${nowNs}` },
        { line: 6, reason: 'points beyond retention policy', text: 'm f=3 1000' },
        { line: 7, reason: conflict('boolean'), text: `m s="two\nlines",f=true ${nowNs}` },
        { line: 9, reason: 'bad timestamp', text: `m f=4 ${nowNs}x` },
      ],
    });
  });

  it('gets 204 when all is stored, and others get the text of InfluxDB', async () => {
    expect(await write(`m f=5 ${nowNs}`)).toMatchObject({ status: 204, text: '' });
    expect(await write('m', 'application/json')).toMatchObject({
      status: 400,
      type: 'application/json',
      text: '{"error":"unable to parse \'m\': missing fields"}\n',
    });
  });
});
