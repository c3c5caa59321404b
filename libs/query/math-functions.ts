/**
 * Functions of one row: abs, sin, round … Same set and rules of types as InfluxDB 1.x.
 */
import type { Literal } from '#influxql';
import { hasValue, numberColumn, type Column } from './column.js';

const FLOAT_FUNCTIONS: Readonly<Record<string, (x: number, y: number) => number>> = {
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  exp: Math.exp,
  ln: Math.log,
  log2: Math.log2,
  log10: Math.log10,
  sqrt: Math.sqrt,
  atan2: Math.atan2,
  pow: Math.pow,
  log: (x, base) => Math.log(x) / Math.log(base),
};

/** Functions whose result has the type of their argument. */
const SAME_TYPE: Readonly<Record<string, (x: number) => number>> = {
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
  round: (x) => (x < 0 ? -Math.round(-x) : Math.round(x)),
};

const ARITY_TWO = new Set(['atan2', 'pow', 'log']);

/** True for functions of one row. */
export function isMathFunction(name: string): boolean {
  return Object.hasOwn(FLOAT_FUNCTIONS, name) || Object.hasOwn(SAME_TYPE, name);
}

/** How many arguments a math function takes. */
export function mathArgumentCount(name: string): number {
  return ARITY_TWO.has(name) ? 2 : 1;
}

/** True where the result has the type of the argument; else it is a float. */
export function keepsType(name: string): boolean {
  return Object.hasOwn(SAME_TYPE, name);
}

/** A math function of literals, `nil` where they are no numbers; null where it is none or takes another number of them. */
export function mathOfLiterals(name: string, args: readonly Literal[]): Literal | null {
  if (!isMathFunction(name) || args.length !== mathArgumentCount(name)) return null;
  const numbers: number[] = [];
  for (const literal of args) {
    const { kind } = literal;
    if (kind !== 'number' && kind !== 'integer' && kind !== 'unsigned') return { kind: 'nil' };
    numbers.push(Number(literal.value));
  }
  const [x = 0, y = 0] = numbers;
  const [first] = args;
  if (keepsType(name) && first?.kind !== 'number')
    return first?.kind === 'integer' ? first : { kind: 'nil' };
  const apply: (x: number, y: number) => number =
    SAME_TYPE[name] ?? FLOAT_FUNCTIONS[name] ?? Math.abs;
  return { kind: 'number', value: apply(x, y) };
}

/** Applies a math function to columns of numbers, row by row; rows without a value stay so. */
export function applyMath(name: string, args: readonly Column[], count: number): Column {
  const [x, y] = args;
  if (!x || args.some(({ type }) => type === 'string' || type === 'boolean'))
    return numberColumn('float', new Float64Array(count), new Uint8Array(count));
  if (keepsType(name)) return applySameType(name, x, count);
  const apply = FLOAT_FUNCTIONS[name] ?? Math.abs;
  const numbers = new Float64Array(count);
  const present = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    if (!hasValue(x, i) || (y && !hasValue(y, i))) continue;
    const value = apply(x.numbers[i] as number, y ? (y.numbers[i] as number) : 0);
    if (Number.isNaN(value)) continue;
    numbers[i] = value;
    present[i] = 1;
  }
  return numberColumn('float', numbers, present);
}

/** Integers stay as they are, even under abs(): same as InfluxDB 1.x. */
function applySameType(name: string, column: Column, count: number): Column {
  const apply = SAME_TYPE[name];
  if (column.type !== 'float' || !apply) return column;
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i++) numbers[i] = apply(column.numbers[i] as number);
  return numberColumn('float', numbers, column.present);
}
