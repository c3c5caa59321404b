/** Compares an answer with what was recorded, after the normalisations of the recording's README. */
import { decode, ExtensionCodec } from '@msgpack/msgpack';
import { ExactNumber, firstDifference, isRecord, type Json, parseExact } from './exact-json.js';
import type { GoldenStep } from './golden-case.js';
import type { GoldenAnswer } from './golden-http.js';

const TOLERANCE = 1e-12;
const ID_COLUMNS = new Set(['id', 'shard_id', 'shard_group', 'qid', 'owners']);
const THREE_DAYS_MS = 3 * 86_400_000;
const EMPTY = '<empty body>';

/** Why the answer is not the recorded one, or null. */
export function compareAnswer(
  answer: GoldenAnswer,
  step: GoldenStep,
  prefix: string,
): string | null {
  if (step.compare.length === 0) return null;
  const { expect } = step;
  if (answer.status !== expect.status)
    return `status ${answer.status}, expected ${expect.status}: ${answer.body.toString().slice(0, 300)}`;
  for (const what of step.compare) {
    const difference = compareOne(what, answer, step, prefix);
    if (difference !== null) return `${what}: ${difference}`;
  }
  return null;
}

function compareOne(
  what: string,
  answer: GoldenAnswer,
  step: GoldenStep,
  prefix: string,
): string | null {
  const { expect } = step;
  const tolerance = step.tolerance ?? TOLERANCE;
  const text = answer.body.toString('utf8');
  const normalised = (value: Json): Json => normalise(value, step.normalise ?? [], prefix);
  const against = (actual: Json, expected: Json | undefined): string | null =>
    firstDifference(
      normalised(actual),
      expected === undefined ? undefined : always(expected),
      tolerance,
    );
  if (what.startsWith('headers')) return compareHeaders(answer, expect.headers ?? {});
  switch (what) {
    case 'status':
      return null;
    case 'json':
      return against(bodyJson(text), expect.json);
    case 'columns':
      return against(withoutValues(bodyJson(text)), expect.json);
    case 'shape':
      return against(shapeOf(bodyJson(text)), expect.json);
    case 'ndjson':
      return against(
        text
          .split('\n')
          .filter((line) => line.trim() !== '')
          .map(parseExact),
        expect.docs,
      );
    case 'body':
      return text === expect.text
        ? null
        : `got ${JSON.stringify(text.slice(0, 500))}, expected ${JSON.stringify(expect.text?.slice(0, 500))}`;
    case 'csv':
      return firstDifference(text.split('\n'), [...(expect.csv ?? [])], tolerance);
    case 'msgpack':
      return against(decodeMsgpack(answer.body), expect.msgpack);
    case 'gzip':
    case 'encoding':
      return answer.encoding === (expect.encoding ?? null)
        ? null
        : `got ${answer.encoding}, expected ${expect.encoding}`;
    default:
      return `unknown comparison ${what}`;
  }
}

function bodyJson(text: string): Json {
  if (text === '') return EMPTY;
  try {
    return parseExact(text);
  } catch {
    return `<not JSON> ${text.slice(0, 200)}`;
  }
}

function compareHeaders(
  answer: GoldenAnswer,
  expected: Readonly<Record<string, string | null>>,
): string | null {
  for (const [name, value] of Object.entries(expected)) {
    const actual = answer.headers[name];
    if (value === null) {
      if (actual !== undefined) return `${name}: ${actual}, expected none`;
    } else if (/^<(date|uuid|version)>$/.test(value)) {
      if (actual === undefined) return `${name}: none, expected ${value}`;
    } else {
      const given = name === 'allow' ? actual?.split(/,\s*/).sort().join(', ') : actual;
      if (given !== value) return `${name}: ${given}, expected ${value}`;
    }
  }
  return null;
}

/** Applies `edit` to every series of an answer. */
function mapSeries(value: Json, edit: (series: { [key: string]: Json }) => Json | null): Json {
  if (Array.isArray(value)) return value.map((item) => mapSeries(item, edit));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => {
      if (key !== 'series' || !Array.isArray(item)) return [key, mapSeries(item, edit)];
      return [
        key,
        item
          .map((series) => (isRecord(series) ? edit(series) : series))
          .filter((series) => series !== null),
      ];
    }),
  );
}

const columnsOf = (series: { [key: string]: Json }): string[] =>
  Array.isArray(series['columns']) ? series['columns'].map(String) : [];
const rowsOf = (series: { [key: string]: Json }): Json[][] =>
  Array.isArray(series['values']) ? (series['values'] as Json[][]) : [];

const withoutValues = (value: Json): Json =>
  mapSeries(value, (series) =>
    Object.fromEntries(Object.entries(series).filter(([key]) => key !== 'values')),
  );

function shapeOf(value: Json): Json {
  return mapSeries(value, (series) => {
    const shapes = rowsOf(series).map((row) => JSON.stringify(row.map(typeName)));
    return {
      ...series,
      values: [...new Set(shapes)].sort().map((shape) => JSON.parse(shape) as Json),
    };
  });
}

function typeName(value: Json): string {
  if (value === null) return 'null';
  return value instanceof ExactNumber ? 'number' : typeof value;
}

function normalise(value: Json, names: readonly string[], prefix: string): Json {
  let result = value;
  if (names.includes('own')) result = mapSeries(result, (series) => ownOnly(series, prefix));
  if (names.includes('ids')) {
    result = mapCells(result, (column, cell) => (ID_COLUMNS.has(column) ? '<id>' : cell));
  }
  if (names.includes('now'))
    result = mapCells(result, (column, cell) =>
      column === 'time' && isNow(cell) ? '<now>' : cell,
    );
  if (names.includes('sortRows')) {
    result = mapSeries(result, (series) => ({ ...series, values: sorted(rowsOf(series)) }));
  }
  if (names.includes('sortSeries')) result = sortSeries(result);
  if (names.includes('version'))
    result = mapCells(result, (column, cell) => (/version/i.test(column) ? '<version>' : cell));
  return always(result);
}

/** What is always done: shard numbers and names of Go types in error texts. */
function always(value: Json): Json {
  if (Array.isArray(value)) return value.map(always);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'error' && typeof item === 'string'
        ? item.replace(/shard \d+/g, 'shard <id>').replace(/\*(query|influxql)\.\w+/g, '<go type>')
        : always(item),
    ]),
  );
}

function ownOnly(series: { [key: string]: Json }, prefix: string): Json | null {
  const columns = columnsOf(series);
  const keep = (column: number): Json => ({
    ...series,
    values: rowsOf(series).filter((row) => String(row[column]).startsWith(prefix)),
  });
  const isListed =
    series['name'] === 'databases' || (columns[0] === 'user' && columns[1] === 'admin');
  if (isListed) return keep(0);
  const database = columns.indexOf('database');
  const name = series['name'];
  if (
    typeof name === 'string' &&
    name !== '' &&
    name !== 'shard groups' &&
    !name.startsWith(prefix)
  )
    return null;
  return database >= 0 ? keep(database) : series;
}

function mapCells(value: Json, edit: (column: string, cell: Json) => Json): Json {
  return mapSeries(value, (series) => {
    if (series['values'] === undefined) return series;
    const columns = columnsOf(series);
    return {
      ...series,
      values: rowsOf(series).map((row) => row.map((cell, i) => edit(columns[i] ?? '', cell))),
    };
  });
}

/** Within three days of now, in whatever unit. */
function isNow(cell: Json): boolean {
  if (typeof cell === 'string') return Math.abs(Date.parse(cell) - Date.now()) < THREE_DAYS_MS;
  if (!(cell instanceof ExactNumber)) return false;
  return [1e-6, 1e-3, 1, 1e3, 60e3, 3600e3].some(
    (ms) => Math.abs(Number(cell.text) * ms - Date.now()) < THREE_DAYS_MS,
  );
}

const sorted = (items: readonly Json[]): Json[] =>
  [...items].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

function sortSeries(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortSeries);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      key === 'series' && Array.isArray(item) ? sorted(item) : sortSeries(item),
    ]),
  );
}

const times = new ExtensionCodec();
times.register({
  type: 5,
  encode: () => null,
  decode: (data) => {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    return `<time ${view.getBigInt64(0) * 1_000_000_000n + BigInt(view.getUint32(8))}>`;
  },
});

function decodeMsgpack(body: Buffer): Json {
  const exact = (value: unknown): Json => {
    if (typeof value === 'bigint' || typeof value === 'number')
      return new ExactNumber(String(value));
    if (Array.isArray(value)) return value.map(exact);
    if (typeof value !== 'object' || value === null) return value as Json;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, exact(item)]));
  };
  return exact(decode(body, { useBigInt64: true, extensionCodec: times }));
}
