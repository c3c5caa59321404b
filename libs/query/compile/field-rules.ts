/**
 * Which fields a SELECT may have: the rules of each function and of their combination, with InfluxDB 1.x's error texts.
 * Looks at syntax only; types are known later.
 */
import {
  formatInfluxqlDuration,
  isLiteral,
  printExpr,
  type Call,
  type Expr,
  type SelectStatement,
} from '#influxql';
import { QueryError } from '../errors.js';
import { isMathFunction, mathArgumentCount } from '../math-functions.js';

/** What the rules need to know of the clauses. */
export interface FieldContext {
  readonly hasInterval: boolean;
  /** True where the interval is that of the query around this one. */
  readonly isIntervalInherited: boolean;
}

/** What the fields of a statement turned out to be. */
export interface FieldFacts {
  /** Calls that are no math functions, also those inside others. */
  readonly callCount: number;
  /** True where every call is a selector of one point. */
  readonly hasOnlySelectors: boolean;
  readonly hasBareFields: boolean;
}

const SELECTORS = new Set(['max', 'min', 'first', 'last']);
const AGGREGATES = new Set(['count', 'sum', 'mean', 'median', 'mode', 'stddev', 'spread']);

/** Upstream's names for literal types, which its error texts show. */
const GO_TYPES: Readonly<Partial<Record<Expr['kind'], string>>> = {
  varRef: '*influxql.VarRef',
  call: '*influxql.Call',
  number: '*influxql.NumberLiteral',
  integer: '*influxql.IntegerLiteral',
  unsigned: '*influxql.UnsignedLiteral',
  string: '*influxql.StringLiteral',
  boolean: '*influxql.BooleanLiteral',
  duration: '*influxql.DurationLiteral',
  binary: '*influxql.BinaryExpr',
  wildcard: '*influxql.Wildcard',
  regex: '*influxql.RegexLiteral',
};

/**
 * Checks the fields of one SELECT (not of its subqueries); `time` among them is ignored.
 * @throws QueryError
 */
export function checkFields(statement: SelectStatement, context: FieldContext): FieldFacts {
  const checker = new FieldChecker(statement, context);
  const fields = statement.fields.filter(
    ({ expr }) => !(expr.kind === 'varRef' && expr.name === 'time'),
  );
  for (const { expr } of fields) checker.field(expr);
  if (fields.length === 0) throw new QueryError('at least 1 non-time field must be queried');
  return checker.finish();
}

class FieldChecker {
  readonly #statement: SelectStatement;
  readonly #context: FieldContext;
  #callCount = 0;
  #hasOnlySelectors = true;
  #hasBareFields = false;
  #hasDistinct = false;
  #topOrBottom = '';
  #mayExpand = true;

  constructor(statement: SelectStatement, context: FieldContext) {
    this.#statement = statement;
    this.#context = context;
  }

  field(expr: Expr): void {
    this.#mayExpand = true;
    this.#expr(expr);
  }

  finish(): FieldFacts {
    const { fill } = this.#statement;
    if (this.#callCount > 1 && this.#topOrBottom !== '') {
      throw new QueryError(
        `selector function ${this.#topOrBottom}() cannot be combined with other functions`,
      );
    }
    if (this.#callCount === 0) {
      if (fill.option === 'none' || fill.option === 'linear') {
        throw new QueryError(`fill(${fill.option}) must be used with a function`);
      }
      if (this.#context.hasInterval && !this.#context.isIntervalInherited) {
        throw new QueryError('GROUP BY requires at least one aggregate function');
      }
    }
    if (this.#hasDistinct && (this.#callCount !== 1 || this.#hasBareFields)) {
      throw new QueryError(
        'aggregate function distinct() cannot be combined with other functions or fields',
      );
    }
    if (this.#hasBareFields && !this.#hasOnlySelectors) {
      throw new QueryError('mixing aggregate and non-aggregate queries is not supported');
    }
    if (this.#hasBareFields && this.#callCount > 1) {
      throw new QueryError(
        'mixing multiple selector functions with tags or fields is not supported',
      );
    }
    return {
      callCount: this.#callCount,
      hasOnlySelectors: this.#hasOnlySelectors,
      hasBareFields: this.#hasBareFields,
    };
  }

  #expr(expr: Expr): void {
    switch (expr.kind) {
      case 'varRef':
        this.#hasBareFields = true;
        return;
      case 'wildcard':
      case 'regex':
        this.#hasBareFields = true;
        if (!this.#mayExpand) {
          const what = expr.kind === 'regex' ? 'regex' : 'wildcard';
          throw new QueryError(`unable to use ${what} in a binary expression`);
        }
        return;
      case 'call':
        if (isMathFunction(expr.name)) this.#mathCall(expr);
        else this.#call(expr);
        return;
      case 'distinct':
        this.#callCount++;
        this.#distinct([{ kind: 'varRef', name: expr.name, cast: null }], false);
        return;
      case 'binary':
        this.#mayExpand = false;
        if (isLiteral(expr.lhs) && isLiteral(expr.rhs)) {
          throw new QueryError('cannot perform a binary expression on two literals');
        }
        if (!isLiteral(expr.lhs)) this.#expr(expr.lhs);
        if (!isLiteral(expr.rhs)) this.#expr(expr.rhs);
        return;
      case 'paren':
        this.#expr(expr.expr);
        return;
      default:
        throw new QueryError('field must contain at least one variable');
    }
  }

  #mathCall({ name, args }: Call): void {
    expectCount(name, args, mathArgumentCount(name));
    if (args.every(isLiteral)) throw new QueryError('field must contain at least one variable');
    for (const argument of args) if (!isLiteral(argument)) this.#expr(argument);
  }

  #call(call: Call): void {
    this.#callCount++;
    const { name, args } = call;
    switch (name) {
      case 'percentile':
        expectCount(name, args, 2);
        if (args[1]?.kind !== 'integer' && args[1]?.kind !== 'number') {
          throw new QueryError('expected float argument in percentile()');
        }
        this.#symbol(name, args[0]);
        return;
      case 'sample':
        this.#sample(args);
        return;
      case 'distinct':
        this.#distinct(args, false);
        return;
      case 'top':
      case 'bottom':
        this.#ranking(call);
        return;
      case 'derivative':
      case 'non_negative_derivative':
      case 'elapsed':
        expectRange(name, args);
        checkUnit(name, args[1], 'second argument to');
        this.#transform(name, args[0]);
        return;
      case 'difference':
      case 'non_negative_difference':
      case 'cumulative_sum':
        expectCount(name, args, 1);
        this.#transform(name, args[0]);
        return;
      case 'moving_average':
        this.#movingAverage(args);
        return;
      case 'integral':
        this.#hasOnlySelectors = false;
        expectRange(name, args);
        checkUnit(name, args[1], 'second argument must be a duration');
        this.#symbol(name, args[0]);
        return;
      case 'holt_winters':
      case 'holt_winters_with_fit':
        this.#holtWinters(call);
        return;
      default:
        this.#function(call);
    }
  }

  #function({ name, args }: Call): void {
    if (AGGREGATES.has(name)) this.#hasOnlySelectors = false;
    else if (!SELECTORS.has(name)) throw new QueryError(`undefined function ${name}()`);
    expectCount(name, args, 1);
    const [argument] = args;
    if (name === 'count' && argument?.kind === 'call' && argument.name === 'distinct') {
      this.#distinct(argument.args, true);
    } else if (name === 'count' && argument?.kind === 'distinct') {
      this.#hasOnlySelectors = false;
    } else {
      this.#symbol(name, argument);
    }
  }

  /** The argument of a function that works on stored values. */
  #symbol(name: string, argument: Expr | undefined): void {
    switch (argument?.kind) {
      case 'varRef':
        return;
      case 'wildcard':
      case 'regex':
        if (!this.#mayExpand) {
          const what = argument.kind === 'regex' ? 'regex field' : 'wildcard';
          throw new QueryError(`unsupported expression with ${what}: ${name}()`);
        }
        this.#hasOnlySelectors = false;
        return;
      default:
        throw new QueryError(`expected field argument in ${name}()`);
    }
  }

  /** The argument of a function that works on stored values or on the result of another function. */
  #transform(name: string, argument: Expr | undefined): void {
    this.#hasOnlySelectors = false;
    if (argument?.kind === 'call') {
      if (!this.#context.hasInterval) {
        throw new QueryError(`${name} aggregate requires a GROUP BY interval`);
      }
      this.#nested(argument);
      return;
    }
    if (this.#context.hasInterval && !this.#context.isIntervalInherited) {
      throw new QueryError(`aggregate function required inside the call to ${name}`);
    }
    this.#symbol(name, argument);
  }

  /** A call inside a call, which counts as one of its own but for distinct(). */
  #nested(call: Call): void {
    if (call.name === 'distinct') this.#distinct(call.args, true);
    else this.#expr(call);
  }

  #sample(args: readonly Expr[]): void {
    expectCount('sample', args, 2);
    const size = args[1];
    if (size?.kind !== 'integer') throw new QueryError('expected integer argument in sample()');
    if (size.value <= 0n)
      throw new QueryError(`sample window must be greater than 1, got ${size.value}`);
    this.#symbol('sample', args[0]);
  }

  #movingAverage(args: readonly Expr[]): void {
    expectCount('moving_average', args, 2);
    const size = args[1];
    if (size?.kind !== 'integer') {
      const type = GO_TYPES[size?.kind ?? 'varRef'];
      throw new QueryError(`second argument for moving_average must be an integer, got ${type}`);
    }
    if (size.value <= 1n) {
      throw new QueryError(`moving_average window must be greater than 1, got ${size.value}`);
    }
    this.#transform('moving_average', args[0]);
  }

  #holtWinters({ name, args }: Call): void {
    expectCount(name, args, 3);
    this.#hasOnlySelectors = false;
    const [input, count, season] = args;
    if (count?.kind !== 'integer')
      throw new QueryError(`expected integer argument as second arg in ${name}`);
    if (count.value <= 0n)
      throw new QueryError(`second arg to ${name} must be greater than 0, got ${count.value}`);
    if (season?.kind !== 'integer')
      throw new QueryError(`expected integer argument as third arg in ${name}`);
    if (season.value < 0n)
      throw new QueryError(`third arg to ${name} cannot be negative, got ${season.value}`);
    if (input?.kind !== 'call') throw new QueryError(`must use aggregate function with ${name}`);
    if (!this.#context.hasInterval)
      throw new QueryError(`${name} aggregate requires a GROUP BY interval`);
    this.#nested(input);
  }

  #distinct(args: readonly Expr[], isNested: boolean): void {
    if (args.length === 0) throw new QueryError('distinct function requires at least one argument');
    if (args.length !== 1) throw new QueryError('distinct function can only have one argument');
    if (args[0]?.kind !== 'varRef') throw new QueryError('expected field argument in distinct()');
    if (!isNested) this.#hasDistinct = true;
    this.#hasOnlySelectors = false;
  }

  #ranking({ name, args }: Call): void {
    if (this.#topOrBottom !== '') {
      throw new QueryError(
        `selector function ${this.#topOrBottom}() cannot be combined with other functions`,
      );
    }
    if (args.length < 2) {
      throw new QueryError(
        `invalid number of arguments for ${name}, expected at least 2, got ${args.length}`,
      );
    }
    const count = args.at(-1) as Expr;
    if (count.kind !== 'integer') {
      throw new QueryError(
        `expected integer as last argument in ${name}(), found ${printExpr(count)}`,
      );
    }
    if (count.value <= 0n) {
      throw new QueryError(`limit (${count.value}) in ${name} function must be at least 1`);
    }
    const { limit } = this.#statement;
    if (limit > 0 && count.value > BigInt(limit)) {
      throw new QueryError(
        `limit (${count.value}) in ${name} function can not be larger than the LIMIT (${limit}) in the select statement`,
      );
    }
    const [first, ...rest] = args.slice(0, -1) as [Expr, ...Expr[]];
    if (first.kind !== 'varRef') {
      throw new QueryError(
        `expected first argument to be a field in ${name}(), found ${printExpr(first)}`,
      );
    }
    for (const extra of rest) {
      if (extra.kind === 'varRef') continue;
      throw new QueryError(
        `only fields or tags are allowed in ${name}(), found ${printExpr(extra)}`,
      );
    }
    this.#topOrBottom = name;
  }
}

function expectCount(name: string, args: readonly Expr[], count: number): void {
  if (args.length === count) return;
  throw new QueryError(
    `invalid number of arguments for ${name}, expected ${count}, got ${args.length}`,
  );
}

function expectRange(name: string, args: readonly Expr[]): void {
  if (args.length >= 1 && args.length <= 2) return;
  throw new QueryError(
    `invalid number of arguments for ${name}, expected at least 1 but no more than 2, got ${args.length}`,
  );
}

/** A duration as second argument, if there is one. */
function checkUnit(name: string, unit: Expr | undefined, phrase: string): void {
  if (!unit) return;
  if (unit.kind !== 'duration') {
    const subject = name === 'integral' ? phrase : `${phrase} ${name} must be a duration`;
    throw new QueryError(`${subject}, got ${GO_TYPES[unit.kind] ?? unit.kind}`);
  }
  if (unit.valueNs <= 0n) {
    throw new QueryError(
      `duration argument must be positive, got ${formatInfluxqlDuration(unit.valueNs)}`,
    );
  }
}
