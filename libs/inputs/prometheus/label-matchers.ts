/**
 * Matchers of a remote read over the measurement and the tags of a series. Regular expressions are RE2's, in linear time, and
 * match whole values, as Prometheus defines it.
 */
import { RE2JS } from 're2js';
import { messageOf } from '#kernel';
import { NAME_LABEL } from './label-sets.js';
import type { SentMatcher } from './read-request.js';
import { malformed } from './wire-cursor.js';
import { VALUE_FIELD } from './write-decoder.js';

/** Whether a label's value matches; '' stands for a label that is not there. */
export type ValueTest = (value: string) => boolean;

/** The matchers of one tag that is not compared for equality. */
export interface TagTest {
  readonly key: string;
  readonly test: ValueTest;
}

/** Matchers by what they are about. */
export interface SeriesMatchers {
  /** The only measurement there can be, or null where `isMeasurement` says. */
  readonly measurement: string | null;
  readonly isMeasurement: ValueTest;
  /** Tags with one value, '' for none. */
  readonly equals: readonly { readonly key: string; readonly value: string }[];
  readonly tests: readonly TagTest[];
  /** False where no series can match. */
  readonly isPossible: boolean;
}

/** Longest regular expression; compiling takes time and memory. */
const REGEX_LENGTH_MAX = 64 * 1024;
/** Names for the measurement. The second is what InfluxDB's own read requests use. */
const MEASUREMENT_LABELS = [NAME_LABEL, '_measurement'];
/** The name for the field, of which only one is read. */
const FIELD_LABEL = '_field';

/** Sorts and compiles matchers. @throws InputError with InfluxDB's texts */
export function compileMatchers(sent: readonly SentMatcher[]): SeriesMatchers {
  if (sent.length === 0) throw malformed('expected matcher');
  const names: ValueTest[] = [];
  const equals: { key: string; value: string }[] = [];
  const tests: TagTest[] = [];
  let measurement: string | null = null;
  let isPossible = true;
  for (const matcher of sent) {
    const { kind, name, value } = matcher;
    if (MEASUREMENT_LABELS.includes(name)) {
      if (kind === '=') measurement ??= value;
      names.push(testOf(matcher));
    } else if (name === FIELD_LABEL) isPossible &&= testOf(matcher)(VALUE_FIELD);
    else if (kind === '=') equals.push({ key: name, value });
    else tests.push({ key: name, test: testOf(matcher) });
  }
  const isMeasurement: ValueTest = (name) => names.every((test) => test(name));
  if (measurement !== null && !isMeasurement(measurement)) isPossible = false;
  return { measurement, isMeasurement, equals, tests, isPossible };
}

function testOf({ kind, value }: SentMatcher): ValueTest {
  switch (kind) {
    case '=':
      return (text) => text === value;
    case '!=':
      return (text) => text !== value;
    case '=~':
      return regexTest(value);
    case '!~': {
      const test = regexTest(value);
      return (text) => !test(text);
    }
  }
}

function regexTest(source: string): ValueTest {
  if (source.length > REGEX_LENGTH_MAX)
    throw malformed(`error parsing regexp: expression is longer than ${REGEX_LENGTH_MAX}`);
  // What dashboards send: a few values.
  if (/^[A-Za-z0-9_ /:@%=,;<>~"'#&!-]+(\|[A-Za-z0-9_ /:@%=,;<>~"'#&!-]+)*$/.test(source)) {
    const values = new Set(source.split('|'));
    return (text) => values.has(text);
  }
  try {
    const program = RE2JS.compile(source);
    return (text) => program.matcher(text).matches();
  } catch (error) {
    throw malformed(messageOf(error));
  }
}
