/**
 * Which points of a subscription with WHERE are meant: decided on measurement and tags alone, hence once for each series.
 */
import { type BinaryExpr, compileRegex, type Expr, parseExpression } from '#influxql';
import { parseSeriesKey } from '#models';
import { CoordinatorError } from './errors.js';

/** How a condition names the measurement. Same as InfluxDB 1.x in conditions of SHOW statements. */
const MEASUREMENT = '_name';

/** What a comparison asks of a series. */
type Test = (measurement: string, tags: ReadonlyMap<string, string>) => boolean;

/**
 * Says that a condition can be decided.
 * @throws CoordinatorError where it compares anything but a tag or `_name` with a text or a regular expression
 */
export function checkSubscriptionCondition(condition: Expr): void {
  compile(condition);
}

/** A condition, remembered for the series of one index. */
export class SubscriptionFilter {
  private readonly test: Test;
  /** By series id: 0 not decided, 1 meant, 2 not. */
  private known = new Uint8Array(1024);
  private source: object | null = null;

  /** @param condition as printed by the parser. @throws CoordinatorError, ParseError */
  constructor(condition: string) {
    this.test = compile(parseExpression(condition));
  }

  /**
   * Whether points of a series are meant.
   * @param index whose ids they are
   */
  matches(seriesId: number, index: { keyOf(seriesId: number): Uint8Array }): boolean {
    if (this.source !== index) {
      this.source = index;
      this.known.fill(0);
    }
    if (seriesId >= this.known.length) {
      const wider = new Uint8Array(Math.max(seriesId + 1, 2 * this.known.length));
      wider.set(this.known);
      this.known = wider;
    }
    if (this.known[seriesId] === 0) {
      const { measurement, tags } = parseSeriesKey(index.keyOf(seriesId));
      const byKey = new Map(tags.map(({ key, value }) => [key, value]));
      this.known[seriesId] = this.test(measurement, byKey) ? 1 : 2;
    }
    return this.known[seriesId] === 1;
  }
}

function compile(expr: Expr): Test {
  if (expr.kind === 'paren') return compile(expr.expr);
  if (expr.kind === 'boolean') return () => expr.value;
  if (expr.kind !== 'binary') throw refused();
  if (expr.op !== 'AND' && expr.op !== 'OR') return compileComparison(expr);
  const [lhs, rhs] = [compile(expr.lhs), compile(expr.rhs)];
  return expr.op === 'AND'
    ? (measurement, tags) => lhs(measurement, tags) && rhs(measurement, tags)
    : (measurement, tags) => lhs(measurement, tags) || rhs(measurement, tags);
}

function compileComparison({ op, lhs, rhs }: BinaryExpr): Test {
  const [ref, other] = lhs.kind === 'varRef' ? [lhs, rhs] : [rhs, lhs];
  if (ref.kind !== 'varRef' || ref.name.toLowerCase() === 'time') throw refused();
  const { name } = ref;
  const valueOf: (measurement: string, tags: ReadonlyMap<string, string>) => string =
    name === MEASUREMENT ? (measurement) => measurement : (_, tags) => tags.get(name) ?? '';
  if (other.kind === 'string' && (op === '=' || op === '!=')) {
    const isWanted = op === '=';
    return (measurement, tags) => (valueOf(measurement, tags) === other.value) === isWanted;
  }
  if (other.kind === 'regex' && (op === '=~' || op === '!~')) {
    const matcher = compileRegex(other.source);
    const isWanted = op === '=~';
    return (measurement, tags) => matcher(valueOf(measurement, tags)) === isWanted;
  }
  throw refused();
}

function refused(): CoordinatorError {
  return new CoordinatorError(
    'coordinator.subscription-condition',
    'WHERE of a subscription compares tags and _name with texts (=, !=) or regular expressions (=~, !~)',
  );
}
