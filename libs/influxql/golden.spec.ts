/**
 * Every query of the recorded answers of InfluxDB 1.6.7 parses, or fails with the recorded text. (The server trims a query
 * before it parses it.)
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseQuery, printStatement, type ParameterValue, ParseError } from './index.js';

interface GoldenRequest {
  readonly path?: string;
  readonly params?: Record<string, string> | readonly (readonly [string, string])[];
  readonly form?: Record<string, string> | string;
}
interface GoldenStep {
  readonly request: GoldenRequest;
  readonly expect: { readonly json?: { readonly error?: string } };
}
interface GoldenCase {
  readonly name: string;
  readonly setup: readonly GoldenRequest[];
  readonly steps: readonly GoldenStep[];
}

const folder = join(process.cwd(), 'test/fixtures/influxql-golden');
const PREFIX = 'error parsing query: ';

function valueOf(source: GoldenRequest['params'] | string, name: string): string | undefined {
  if (source === undefined) return undefined;
  if (typeof source === 'string') return new URLSearchParams(source).get(name) ?? undefined;
  const entries = Array.isArray(source) ? source : Object.entries(source as Record<string, string>);
  return entries.find(([key]) => key === name)?.[1] as string | undefined;
}

function toParameter(value: unknown): ParameterValue {
  return typeof value === 'number' && Number.isInteger(value)
    ? BigInt(value)
    : (value as ParameterValue);
}

function parseErrorOf(text: string, parameters: string | undefined): string | null {
  try {
    const bound = new Map(
      Object.entries(parameters ? (JSON.parse(parameters) as Record<string, unknown>) : {}).map(
        ([key, value]) => [key, toParameter(value)] as const,
      ),
    );
    const statements = parseQuery(text, { parameters: bound });
    // The normal form must parse again, but for passwords, and print the same.
    for (const statement of statements) {
      const printed = printStatement(statement);
      if (!parameters && !printed.includes('[REDACTED]'))
        expect(parseQuery(printed).map(printStatement)).toEqual([printed]);
    }
    return null;
  } catch (thrown) {
    if (thrown instanceof ParseError) return thrown.message;
    throw thrown;
  }
}

describe('recorded queries', () => {
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const cases = JSON.parse(readFileSync(join(folder, file), 'utf8')) as readonly GoldenCase[];
    it(file, () => {
      const actual: unknown[] = [];
      const expected: unknown[] = [];
      for (const { steps, name } of cases) {
        for (const { request, expect: answer } of steps) {
          if (request.path !== '/query') continue;
          const query = valueOf(request.form, 'q') ?? valueOf(request.params, 'q');
          const parameters = valueOf(request.form, 'params') ?? valueOf(request.params, 'params');
          const error = answer.json?.error ?? '';
          const isRefused = error !== '' && !error.startsWith(PREFIX);
          if (!answer.json || query === undefined || query.includes('{{') || isRefused) continue;
          actual.push([name, query, parseErrorOf(query.trim(), parameters)]);
          expected.push([
            name,
            query,
            error.startsWith(PREFIX) ? error.slice(PREFIX.length) : null,
          ]);
        }
      }
      expect(actual).toEqual(expected);
    });
  }
});
