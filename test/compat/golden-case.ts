/** The recorded cases: their shape, and reading them from the fixtures. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { ExactNumber, type Json, parseExact } from './exact-json.js';

/** A request as recorded. */
export interface GoldenRequest {
  readonly method: string;
  readonly path: string;
  readonly params?: Readonly<Record<string, string>> | readonly (readonly [string, string])[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly bodyBase64?: string;
  readonly gzipBody?: boolean;
  readonly basicAuth?: readonly [string, string];
  readonly waitMsBefore?: number;
}

/** What the answer has to be, as far as `compare` says. */
export interface GoldenExpectation {
  readonly status: number;
  readonly json?: Json;
  readonly docs?: Json[];
  readonly text?: string;
  readonly csv?: readonly string[];
  readonly msgpack?: Json;
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly encoding?: string | null;
}

/** A request and its answer. */
export interface GoldenStep {
  readonly request: GoldenRequest;
  readonly compare: readonly string[];
  readonly normalise?: readonly string[];
  readonly tolerance?: number;
  readonly expect: GoldenExpectation;
}

/** Requests over databases of their own. */
export interface GoldenCase {
  readonly name: string;
  readonly prefix: string;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly server?: string;
  readonly bootstrap?: boolean;
  readonly setup: readonly GoldenRequest[];
  readonly steps: readonly GoldenStep[];
}

/** Cases of one area. */
export interface GoldenArea {
  readonly name: string;
  readonly cases: readonly GoldenCase[];
}

/** The areas in a folder, by name. */
export function readAreas(folder: string): readonly GoldenArea[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => ({
      name: basename(name, '.json'),
      cases: plain(
        parseExact(readFileSync(join(folder, name), 'utf8')),
        '',
      ) as unknown as GoldenCase[],
    }));
}

/** Fields whose numbers stay exact; elsewhere a number is a number. */
const EXACT = new Set(['json', 'docs', 'msgpack']);

function plain(value: Json, key: string): unknown {
  if (EXACT.has(key)) return value;
  if (value instanceof ExactNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map((item) => plain(item, ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item, name)]));
}
