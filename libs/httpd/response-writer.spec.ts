import type { ResultSeries } from '#query';
import { CsvEncoder } from './csv-encoder.js';
import { JsonEncoder } from './json-encoder.js';
import { JsonIndenter } from './json-indenter.js';
import type { QueryEvent, ResultGrain } from './ports.js';
import { writeChunks, writeDocument } from './response-writer.js';

/** A series `m` with times 1, 2, … and the given floats. */
const series = (values: readonly number[], options: Partial<ResultSeries> = {}): ResultSeries => ({
  name: 'm',
  tags: null,
  columns: ['time', 'f'],
  rowCount: values.length,
  data: [
    { kind: 'time', ns: BigInt64Array.from(values, (_, i) => BigInt(i + 1)) },
    { kind: 'float', values: Float64Array.from(values), present: null },
  ],
  partial: false,
  ...options,
});
const rows = (
  statementId: number,
  part: ResultSeries,
  grain: ResultGrain = 'rows',
): QueryEvent => ({
  kind: 'series',
  statementId,
  grain,
  series: part,
});
const end = (
  statementId: number,
  error: string | null = null,
  messages: readonly { level: string; text: string }[] = [],
): QueryEvent => ({
  kind: 'end',
  statementId,
  error,
  messages,
});
async function* stream(events: readonly QueryEvent[]): AsyncIterable<QueryEvent> {
  for (const event of events) yield await Promise.resolve(event);
}
class Output {
  text = '';
  write(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('utf8');
  }
}
const document = async (
  events: readonly QueryEvent[],
  rowsMax = 0,
  encoder = new JsonEncoder(1n),
): Promise<string> => {
  const output = new Output();
  await writeDocument(stream(events), encoder, output, rowsMax);
  return output.text;
};
const chunks = async (events: readonly QueryEvent[], chunkRows: number): Promise<string[]> => {
  const output = new Output();
  await writeChunks(stream(events), new JsonEncoder(1n), output, chunkRows);
  return output.text.trimEnd().split('\n');
};

describe('an answer of one document', () => {
  it('is empty without statements', async () => {
    expect(await document([])).toBe('{}\n');
  });

  it('has a result for each statement', async () => {
    expect(await document([rows(0, series([1, 2.5])), end(0), end(1), end(2, 'bad')])).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,1],[2,2.5]]}]},{"statement_id":1},{"statement_id":2,"error":"bad"}]}\n',
    );
  });

  it('joins parts of one series and leaves series without rows without values', async () => {
    const tags = [{ key: 'h', value: '<a>' }];
    expect(
      await document([
        rows(0, series([1], { partial: true, tags })),
        rows(0, series([2], { tags })),
        rows(0, series([], { name: '' })),
        end(0, null, [{ level: 'warning', text: 'w' }]),
      ]),
    ).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"\\u003ca\\u003e"},"columns":["time","f"],"values":[[1,1],[1,2]]},{"columns":["time","f"]}],"messages":[{"level":"warning","text":"w"}]}]}\n',
    );
  });

  it('replaces what a statement gave by its error, and an error by the next of the same statement', async () => {
    expect(
      await document([
        rows(0, series([1])),
        end(0),
        rows(1, series([1])),
        end(1, 'broke'),
        end(1, 'not executed'),
      ]),
    ).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,1]]}]},{"statement_id":1,"error":"not executed"}]}\n',
    );
  });

  it('ends at the limit of rows', async () => {
    expect(
      await document([rows(0, series([1, 2, 3])), end(0), rows(1, series([1])), end(1)], 2),
    ).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,1],[2,2]],"partial":true}]}]}\n',
    );
  });

  it('marks series of more than 10000 rows', async () => {
    const long = series(Array.from({ length: 10_001 }, () => 1));
    expect(
      (await document([rows(0, long), end(0)])).endsWith(',[10001,1]],"partial":true}]}]}\n'),
    ).toBe(true);
  });

  it('prints every kind of column', async () => {
    const data: ResultSeries['data'] = [
      { kind: 'integer', values: Float64Array.of(5, 0), wide: null, present: Uint8Array.of(1, 0) },
      {
        kind: 'integer',
        values: Float64Array.of(0, 0),
        wide: BigInt64Array.of(9223372036854775807n, -1n),
        present: null,
      },
      {
        kind: 'unsigned',
        values: Float64Array.of(0, 0),
        wide: BigInt64Array.of(-1n, 1n),
        present: null,
      },
      { kind: 'boolean', values: Uint8Array.of(1, 0), present: Uint8Array.of(1, 1) },
      { kind: 'string', values: ['a', null] },
      { kind: 'any', values: [['x', 'y'], 3n] },
    ];
    const columns = ['i', 'w', 'u', 'b', 's', 'a'];
    expect(await document([rows(0, series([], { columns, data, rowCount: 2 })), end(0)])).toBe(
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["i","w","u","b","s","a"],"values":[[5,9223372036854775807,18446744073709551615,true,"a",["x","y"]],[null,-1,1,false,null,3]]}]}]}\n',
    );
  });

  it("is Go's complaint where a float is infinite", async () => {
    expect(await document([rows(0, series([1, Number.POSITIVE_INFINITY])), end(0)])).toBe(
      'json: error calling MarshalJSON for type httpd.Response: json: error calling MarshalJSON for type *query.Result: json: unsupported value: +Inf\n',
    );
  });

  it('is a table a statement in CSV', async () => {
    const tags = [
      { key: 'h', value: 'a,b' },
      { key: 'z', value: '' },
    ];
    const text = await document(
      [
        rows(0, series([1e21], { tags })),
        end(0),
        end(1, 'lost'),
        rows(2, series([1], { name: 'a"b' })),
        end(2),
      ],
      0,
      new CsvEncoder(null) as never,
    );
    expect(text).toBe(
      'name,tags,time,f\nm,"h=a\\,b",1,1000000000000000000000\n\nname,tags,time,f\n"a""b",,1,1\n',
    );
  });
});

// As observed on InfluxDB 1.6.7.
describe('an answer in chunks', () => {
  it('cuts series by rows and says what follows', async () => {
    const tagged = (value: string, values: readonly number[]): ResultSeries =>
      series(values, { tags: [{ key: 'h', value }] });
    expect(
      await chunks(
        [
          rows(0, tagged('', [1])),
          rows(0, tagged('a', [1, 2])),
          end(0),
          end(1),
          end(2, 'x'),
          end(2, 'not executed'),
        ],
        1,
      ),
    ).toEqual([
      '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":""},"columns":["time","f"],"values":[[1,1]]}],"partial":true}]}',
      '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"a"},"columns":["time","f"],"values":[[1,1]],"partial":true}],"partial":true}]}',
      '{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"h":"a"},"columns":["time","f"],"values":[[2,2]]}]}]}',
      '{"results":[{"statement_id":1}]}',
      '{"results":[{"statement_id":2,"error":"x"}]}',
      '{"results":[{"statement_id":2,"error":"not executed"}]}',
    ]);
  });

  it('fills a chunk from several parts of a series', async () => {
    expect(
      await chunks(
        [rows(0, series([1, 2], { partial: true })), rows(0, series([3, 4])), end(0)],
        3,
      ),
    ).toEqual([
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,1],[2,2],[1,3]],"partial":true}],"partial":true}]}',
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[2,4]]}]}]}',
    ]);
  });

  it('gives each series of metadata a document, and statements over metadata one in all', async () => {
    const other = series([1], { name: 'n' });
    expect(
      await chunks([rows(0, series([1, 2]), 'series'), rows(0, other, 'series'), end(0)], 1),
    ).toEqual([
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,1],[2,2]]}]}]}',
      '{"results":[{"statement_id":0,"series":[{"name":"n","columns":["time","f"],"values":[[1,1]]}]}]}',
    ]);
    expect(
      await chunks([rows(0, series([1, 2]), 'statement'), rows(0, other, 'statement'), end(0)], 1),
    ).toEqual([
      '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","f"],"values":[[1,1],[2,2]]},{"name":"n","columns":["time","f"],"values":[[1,1]]}]}]}',
    ]);
  });
});

describe('JsonIndenter', () => {
  const value = { results: [{ a: [], b: {}, c: [1, 'x:,{"\\'], d: null }] };

  it('lays out as JSON.stringify with four spaces, whatever the pieces', () => {
    const compact = Buffer.from(JSON.stringify(value));
    for (let size = 1; size <= compact.length; size++) {
      const indenter = new JsonIndenter();
      let text = '';
      for (let at = 0; at < compact.length; at += size)
        text += Buffer.from(indenter.indent(compact.subarray(at, at + size))).toString();
      expect(text).toBe(JSON.stringify(value, null, 4));
    }
  });
});
