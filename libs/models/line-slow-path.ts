/**
 * Reads one line of line protocol into a batch by the full grammar: escapes, unsorted tags, new fields, odd numbers. Used
 * for what the fast path does not expect, so it may make strings and objects.
 */
import { FieldType } from './field-type.js';
import { parseDecimalText } from './decimal.js';
import {
  findFieldNameEnd,
  findFieldValueEnd,
  type LineParts,
  LineRejection,
  onlySpacesFollow,
  scanLine,
} from './line-scanner.js';
import type { LineContext } from './line-context.js';
import { PointsBatch, STRING_LENGTH_MAX, stringInBody, stringInExtra } from './points-batch.js';
import {
  compareBytes,
  canonicalSeriesKey,
  hashKey,
  KEY_LENGTH_MAX,
  unescapeName,
} from './series-key.js';
import type { Shape } from './shape.js';

/** Earliest and latest time of a point. @see InfluxDB models.MinNanoTime, MaxNanoTime */
export const TIME_MIN_NS = -9223372036854775806n;
export const TIME_MAX_NS = 9223372036854775806n;

const QUOTE = 34;
const utf8 = new TextDecoder();
const latin1 = new TextDecoder('latin1');
const encoder = new TextEncoder();

interface Field {
  readonly name: string;
  readonly type: FieldType;
  /** What goes into the cell; bigint for integers. */
  readonly value: number | bigint;
}

/** Adds the line `body[start..end)` to the context's batch, or says why not. Its first byte is no blank. */
export function addLine(context: LineContext, start: number, end: number): LineRejection | null {
  const { body } = context;
  const parts = scanLine(body, start, end);
  if (parts instanceof LineRejection) return parts;
  const timeNs = readTime(context, parts, end);
  if (timeNs instanceof LineRejection) return timeNs;
  if (!isPlainLine(body, parts, end, timeNs)) context.noteOtherSpelling();
  const fields = readFields(context, parts);
  const keyLength = parts.keyEnd - parts.keyStart;
  for (const { name, type, value } of fields) {
    const size = type === FieldType.STRING ? PointsBatch.stringLength(Number(value)) : 0;
    if (size > STRING_LENGTH_MAX) {
      return new LineRejection(`input field "${name}" is too long, ${size} > ${STRING_LENGTH_MAX}`);
    }
    const length = keyLength + 4 + encoder.encode(name).length;
    if (length > KEY_LENGTH_MAX) {
      return new LineRejection(`max key length exceeded: ${length} > ${KEY_LENGTH_MAX}`);
    }
  }
  // A field named time cannot be asked for: dropped beside others. Alone it stays, for storage to refuse by name.
  const others = fields.filter(({ name }) => name !== 'time');
  const list = others.length > 0 ? others : fields.slice(0, 1);
  const series = resolveSeries(context, parts);
  const shape = context.shapes.intern(list);
  if (shape !== null) {
    addRow(context, { shape, fields: list, timeNs, series });
  } else {
    for (const field of list) {
      const single = context.shapes.intern([field]);
      if (single !== null) addRow(context, { shape: single, fields: [field], timeNs, series });
    }
    context.batch.hasMixedShapes = true;
  }
  return null;
}

/** Whether a line with a time has single spaces between its parts, nothing behind them, and its time as numbers are printed. */
function isPlainLine(
  body: Uint8Array,
  { keyEnd, fieldsStart, fieldsEnd, timeStart, timeEnd }: LineParts,
  end: number,
  timeNs: bigint,
): boolean {
  if (fieldsStart !== keyEnd + 1 || timeStart !== fieldsEnd + 1 || timeEnd !== end) return false;
  return latin1.decode(body.subarray(timeStart, timeEnd)) === String(timeNs);
}

function readTime(context: LineContext, parts: LineParts, end: number): bigint | LineRejection {
  const { body } = context;
  if (parts.timeStart === parts.timeEnd) return context.defaultTimeNs;
  const text = latin1.decode(body.subarray(parts.timeStart, parts.timeEnd));
  if (text === '-') return new LineRejection('strconv.ParseInt: parsing "-": invalid syntax');
  const units = BigInt(text);
  if (BigInt.asIntN(64, units) !== units) {
    return new LineRejection(`strconv.ParseInt: parsing "${text}": value out of range`);
  }
  const timeNs = units * BigInt(context.unitNs);
  if (timeNs < TIME_MIN_NS || timeNs > TIME_MAX_NS) {
    return new LineRejection(`time outside range ${TIME_MIN_NS} - ${TIME_MAX_NS}`);
  }
  return onlySpacesFollow(body, parts.timeEnd, end)
    ? timeNs
    : new LineRejection('point is invalid');
}

/**
 * Fields in order. Of equal names the last one's value at the first one's place; the first whose type differs from an
 * earlier one's is kept beside it, for storage to refuse the point.
 */
function readFields(context: LineContext, parts: LineParts): Field[] {
  const { body } = context;
  const fields: Field[] = [];
  const places = new Map<string, number>();
  let isConflicting = false;
  for (let i = parts.fieldsStart; i < parts.fieldsEnd;) {
    const nameEnd = findFieldNameEnd(body, i, parts.fieldsEnd);
    const name = unescapeName(utf8.decode(body.subarray(i, nameEnd)));
    const valueEnd = findFieldValueEnd(body, nameEnd + 1, parts.fieldsEnd);
    const field = { name, ...readValue(context, nameEnd + 1, valueEnd) };
    const place = places.get(name);
    if (place === undefined) places.set(name, fields.push(field) - 1);
    else if (fields[place].type === field.type) fields[place] = field;
    else if (!isConflicting) isConflicting = fields.push(field) > 0;
    i = valueEnd + 1;
  }
  return fields;
}

function readValue(
  context: LineContext,
  start: number,
  end: number,
): { type: FieldType; value: number | bigint } {
  const { body } = context;
  const first = body[start];
  if (first === QUOTE) {
    return { type: FieldType.STRING, value: readString(context, start + 1, end - 1) };
  }
  if (body[end - 1] === 105) {
    return { type: FieldType.INTEGER, value: BigInt(latin1.decode(body.subarray(start, end - 1))) };
  }
  if ((first >= 48 && first <= 57) || first === 45 || first === 46) {
    return { type: FieldType.FLOAT, value: parseDecimalText(body, start, end) };
  }
  return { type: FieldType.BOOLEAN, value: first === 116 || first === 84 ? 1 : 0 };
}

/** A cell for a string between quotes, unescaped: `\"` and `\\` lose their backslash. */
function readString(context: LineContext, start: number, end: number): number {
  const { body, batch } = context;
  const raw = body.subarray(start, Math.max(start, end));
  // Longer than a cell can say: the limit refuses the line, with a length it can say.
  if (raw.length >= 2 * STRING_LENGTH_MAX) return stringInBody(start, 2 * STRING_LENGTH_MAX - 1);
  if (!raw.includes(92)) return stringInBody(start, raw.length);
  batch.reserveExtra(raw.length);
  const at = batch.extraLength;
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] === 92 && (raw[i + 1] === 92 || raw[i + 1] === QUOTE) && i + 1 < raw.length) i++;
    batch.extra[at + length++] = raw[i];
  }
  batch.extraLength = at + length;
  return stringInExtra(at, length);
}

interface ResolvedSeries {
  readonly id: number;
  readonly keyStart: number;
  readonly keyLength: number;
  /** The key as the body spells it. */
  readonly start: number;
  readonly length: number;
  readonly hash: number;
}

/** The series of a line's key: known as written, known in canonical form (then remembered as written), or new. */
function resolveSeries(context: LineContext, parts: LineParts): ResolvedSeries {
  const { body, batch, known } = context;
  const length = parts.keyEnd - parts.keyStart;
  const rawHash = hashKey(body, parts.keyStart, length);
  const spelling = { start: parts.keyStart, length, hash: rawHash };
  let id = known.find(body, parts.keyStart, length, rawHash);
  if (id >= 0) return { id, keyStart: 0, keyLength: 0, ...spelling };
  const key = canonicalSeriesKey(body.subarray(parts.keyStart, parts.keyEnd));
  if (compareBytes(key, body.subarray(parts.keyStart, parts.keyEnd)) !== 0)
    context.noteOtherSpelling();
  id = known.find(key, 0, key.length, hashKey(key, 0, key.length));
  if (id >= 0) {
    known.addAlias(body.slice(parts.keyStart, parts.keyEnd), rawHash, id);
    return { id, keyStart: 0, keyLength: 0, ...spelling };
  }
  return { id, keyStart: batch.addExtra(key), keyLength: key.length, ...spelling };
}

function addRow(
  context: LineContext,
  point: {
    readonly shape: Shape;
    readonly fields: readonly Field[];
    readonly timeNs: bigint;
    readonly series: ResolvedSeries;
  },
): void {
  const { batch, known } = context;
  const { shape, fields, series } = point;
  const group = batch.group(shape);
  if (group.rows === group.capacity) group.grow();
  const row = group.rows++;
  batch.noteLine(series.start);
  group.seriesIds[row] = series.id;
  group.keyStart[row] = series.keyStart;
  group.keyLength[row] = series.keyLength;
  group.pointNumbers[row] = batch.pointCount++;
  batch.setTime(group, row, point.timeNs);
  fields.forEach((field, f) => {
    const cell = f * group.capacity + row;
    if (typeof field.value === 'bigint') batch.setInteger(group, cell, field.value);
    else group.values[cell] = field.value;
  });
  batch.valueCount += fields.length;
  if (series.id < 0) {
    context.unknownRows++;
    context.noteNewKey({ ...series, shapeId: shape.id });
  }
  if (series.id < 0 || known.shapeHints[series.id] !== shape.id) {
    context.noteShape(series.id, shape.id);
  }
}
