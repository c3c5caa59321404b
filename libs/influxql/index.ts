export type {
  AlterRetentionPolicyStatement,
  BinaryExpr,
  Call,
  CastType,
  CreateContinuousQueryStatement,
  CreateDatabaseStatement,
  CreateRetentionPolicyStatement,
  CreateSubscriptionStatement,
  Expr,
  ExplainStatement,
  ExtensionStatement,
  Field,
  Fill,
  IntoTarget,
  Literal,
  MeasurementSource,
  SelectStatement,
  ShowCardinalityStatement,
  ShowClauses,
  ShowFieldKeysStatement,
  ShowMeasurementsStatement,
  ShowSeriesStatement,
  ShowTagKeysStatement,
  ShowTagValuesStatement,
  SortField,
  Source,
  Statement,
  SubquerySource,
  VarRef,
  WithKey,
} from './ast.js';
export { type ParameterValue, type Parameters, bindParameter } from './bound-parameters.js';
export {
  MAX_TIME_NS,
  MIN_TIME_NS,
  type ConditionTimeRange,
  type SplitCondition,
  intersect,
  splitCondition,
} from './condition.js';
export { ExpressionError, ParseError } from './errors.js';
export { parseExpression, parseQuery, parseSelectStatement, parseStatement } from './parser.js';
export { parseExpr } from './parse-expr.js';
export { printExpr } from './print-expr.js';
export { printSelect, printSource, printStatement } from './printer.js';
export { type NameDefaults, qualifySelect, qualifyStatement } from './qualify.js';
export { type ReduceContext, compareValues, isLiteral, reduceExpr } from './reduce.js';
export { type RegexMatcher, compileRegex, literalAlternatives } from './regex.js';
export { callsIn, groupByIntervalNs, withoutParens } from './select-shape.js';
export {
  type RequiredPrivilege,
  isReadOnly,
  namedDatabase,
  requiredPrivileges,
} from './statement-access.js';
export {
  formatInfluxqlDuration,
  identNeedsQuotes,
  parseInfluxqlDuration,
  quoteIdent,
  quoteRegex,
  quoteString,
} from './text-form.js';
export { formatRfc3339, formatRfc3339Seconds, parseTimeText } from './time-literal.js';
export { TimeZone, isKnownTimeZone, timeZoneOf, utc } from './time-zone.js';
export type { BinaryOperator } from './token.js';
export { type ParseOptions, type StatementExtension, TokenCursor } from './token-cursor.js';
export { findExpr, rewriteExpr, rewriteSources, walkExpr, walkSources } from './visitor.js';
