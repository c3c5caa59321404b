import {
  ParseError,
  parseQuery,
  parseStatement,
  type ParameterValue,
  type StatementExtension,
} from './index.js';

describe('parseQuery', () => {
  it('takes statements apart', () => {
    expect(parseQuery(';;SHOW USERS;; SHOW SHARDS -- x\n;').map(({ kind }) => kind)).toEqual([
      'showUsers',
      'showShards',
    ]);
  });

  it('gives a whole tree', () => {
    expect(
      parseStatement(
        'SELECT mean("v") AS m FROM d.r.c WHERE h =~ /a\\/b/ GROUP BY time(1m), h fill(3) LIMIT 2',
      ),
    ).toEqual({
      kind: 'select',
      fields: [
        {
          expr: { kind: 'call', name: 'mean', args: [{ kind: 'varRef', name: 'v', cast: null }] },
          alias: 'm',
        },
      ],
      into: null,
      sources: [
        { kind: 'measurement', database: 'd', retentionPolicy: 'r', name: 'c', regex: null },
      ],
      condition: {
        kind: 'binary',
        op: '=~',
        lhs: { kind: 'varRef', name: 'h', cast: null },
        rhs: { kind: 'regex', source: 'a/b' },
      },
      dimensions: [
        { kind: 'call', name: 'time', args: [{ kind: 'duration', valueNs: 60_000_000_000n }] },
        { kind: 'varRef', name: 'h', cast: null },
      ],
      fill: { option: 'number', value: { kind: 'integer', value: 3n } },
      sortFields: [],
      limit: 2,
      offset: 0,
      slimit: 0,
      soffset: 0,
      timeZone: null,
    });
  });

  it('binds parameters wherever their token may stand', () => {
    const parameters = new Map<string, ParameterValue>([
      ['m', { identifier: 'a b' }],
      ['h', 'x'],
      ['n', 5n],
      ['d', { duration: '1h' }],
    ]);
    const text = 'SELECT mean(f) FROM $m WHERE h = $h GROUP BY time($d) LIMIT $n';
    expect(parseQuery(text, { parameters })).toEqual(
      parseQuery('SELECT mean(f) FROM "a b" WHERE h = \'x\' GROUP BY time(1h) LIMIT 5'),
    );
  });

  it('refuses what nests too deeply', () => {
    const text = `SELECT f FROM m WHERE ${'('.repeat(5000)}a = 1${')'.repeat(5000)}`;
    expect(() => parseQuery(text)).toThrow(new ParseError('query is nested too deeply'));
  });

  it('knows statements of our own without listing them', () => {
    const ingest: StatementExtension = {
      word: 'INGEST',
      parse: (cursor) => ({
        kind: 'extension',
        name: 'ingest',
        text: 'SHOW INGEST',
        options: { limit: cursor.optionalCount('LIMIT') },
        privileges: 'admin',
      }),
    };
    expect(parseQuery('show ingest limit 3', { extensions: [ingest] })).toMatchObject([
      { options: { limit: 3 } },
    ]);
    expect(parseQuery('SELECT ingest FROM ingest', { extensions: [ingest] })).toHaveLength(1);
    expect(() => parseQuery('SHOW INGEST')).toThrow(/^found INGEST, expected CONTINUOUS/);
  });
});
