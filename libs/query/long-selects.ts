/**
 * Which SELECTs took longer than the main thread gives them, by their shape: the statement without its literals. A panel that
 * is drawn again a minute later has the same shape and begins in another thread at once.
 */
import type { SelectStatement } from '#influxql';

/** Shapes remembered; the one that was longest ago is forgotten for a new one. */
export const LONG_SHAPES_MAX = 1024;

/** Nodes whose values differ from one run of a panel to the next. */
const LITERALS: ReadonlySet<unknown> = new Set([
  'number',
  'integer',
  'unsigned',
  'string',
  'boolean',
  'duration',
  'time',
  'nil',
]);

/** SELECTs that were long when they last ran. */
export class LongSelects {
  readonly #shapes = new Set<number>();

  /** Number of the statement's shape in a database. */
  static shapeOf(statement: SelectStatement, database: string, retentionPolicy: string): number {
    return hashValue(statement, hashText(retentionPolicy, hashText(database, FNV_OFFSET)));
  }

  /** True while no shape is remembered: then there is no need to know one. */
  get isEmpty(): boolean {
    return this.#shapes.size === 0;
  }

  has(shape: number): boolean {
    return this.#shapes.has(shape);
  }

  add(shape: number): void {
    const [oldest] = this.#shapes;
    if (this.#shapes.size >= LONG_SHAPES_MAX && oldest !== undefined) this.#shapes.delete(oldest);
    this.#shapes.add(shape);
  }

  delete(shape: number): void {
    this.#shapes.delete(shape);
  }
}

const FNV_OFFSET = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

function hashText(text: string, hash: number): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return Math.imul(hash ^ text.length, FNV_PRIME);
}

function hashValue(value: unknown, hash: number): number {
  if (typeof value === 'string') return hashText(value, hash);
  if (typeof value !== 'object' || value === null) return hashText(String(value), hash);
  if (Array.isArray(value)) {
    for (const item of value) hash = hashValue(item, hash);
    return Math.imul(hash ^ value.length, FNV_PRIME);
  }
  const { kind } = value as { readonly kind?: unknown };
  if (LITERALS.has(kind)) return hashText(kind as string, hash);
  for (const member of Object.values(value)) hash = hashValue(member, hash);
  return hash;
}
