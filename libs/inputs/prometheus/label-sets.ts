/**
 * Label sets as Prometheus writes them (`repeated Label labels = 1`, each `name = 1, value = 2`) and the series that InfluxDB
 * stores them as: `__name__` is the measurement and a tag, the others are tags. Called once a series.
 * @see InfluxDB prometheus/converters.go
 */
import { varintSizeBytes, writeVarint } from '#encoding';
import { formatSeriesKey, type Tag } from '#models';
import type { SymbolTable } from './symbol-table.js';
import { DELIMITED, WireCursor, wrongType } from './wire-cursor.js';

/** The label that holds a metric's name. */
export const NAME_LABEL = '__name__';
/** Measurement of label sets without it. Same as InfluxDB 1.x. */
const MEASUREMENT_UNNAMED = 'prom_metric_not_specified';

/** Tag of a field `labels` (1, length-delimited). */
export const LABELS_TAG = (1 << 3) | DELIMITED;
const NAME_TAG = (1 << 3) | DELIMITED;
const VALUE_TAG = (2 << 3) | DELIMITED;

/** Longest label set, as the raw name of a PointsBuilder's series. */
export const LABEL_SET_MAX_BYTES = 65535;

const cursor = new WireCursor();

/**
 * The canonical series key of the labels in `bytes[start .. end)`, which holds label fields only. Of equal names the last wins.
 * @throws InputError where they cannot be read
 */
export function seriesKeyOfLabels(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const labels = new Map<string, string>();
  cursor.reset(bytes, start, end);
  while (cursor.at < end) {
    // Checked by who found the labels' end.
    cursor.tag();
    const labelEnd = cursor.length() + cursor.at;
    cursor.end = labelEnd;
    readLabel(labels);
    cursor.end = end;
  }
  const tags: Tag[] = [...labels].map(([key, value]) => ({ key, value }));
  // Binary strings compare like their bytes.
  tags.sort((a, b) => (a.key < b.key ? -1 : 1));
  const key = formatSeriesKey(labels.get(NAME_LABEL) ?? MEASUREMENT_UNNAMED, tags);
  return Buffer.from(key, 'latin1');
}

function readLabel(labels: Map<string, string>): void {
  let name = '';
  let value = '';
  while (cursor.at < cursor.end) {
    const tag = cursor.tag();
    if (tag === NAME_TAG) name = cursor.binary(cursor.length());
    else if (tag === VALUE_TAG) value = cursor.binary(cursor.length());
    else if (tag >>> 3 === 1) throw wrongType(tag, 'Name');
    else if (tag >>> 3 === 2) throw wrongType(tag, 'Value');
    else cursor.skip(tag);
  }
  labels.set(name, value);
}

/** A label set being put together, as label fields one behind the other. */
export class LabelSet {
  bytes = new Uint8Array(1024);
  /** Over `bytes`. */
  view = new DataView(this.bytes.buffer);
  length = 0;

  /** Takes the label fields of a series, from a cursor to its end, out of what else is there. */
  collect(series: WireCursor): void {
    this.length = 0;
    while (series.at < series.end) {
      const from = series.at;
      const tag = series.tag();
      series.skip(tag);
      if (tag === LABELS_TAG) this.append(series.bytes, from, series.at - from);
    }
  }

  /** Adds a label of two symbols. */
  add(symbols: SymbolTable, name: number, value: number): void {
    const nameLength = symbols.lengths[name]!;
    const valueLength = symbols.lengths[value]!;
    const size =
      2 + varintSizeBytes(nameLength) + nameLength + varintSizeBytes(valueLength) + valueLength;
    this.reserve(1 + varintSizeBytes(size) + size);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = LABELS_TAG;
    at = writeVarint(bytes, at, size);
    bytes[at++] = NAME_TAG;
    at = writeVarint(bytes, at, nameLength);
    at = symbols.copy(name, bytes, at);
    bytes[at++] = VALUE_TAG;
    at = writeVarint(bytes, at, valueLength);
    this.length = symbols.copy(value, bytes, at);
  }

  /** `from[start .. start+length)` with a mark behind it; valid until the next label set. */
  marked(from: Uint8Array, start: number, length: number, mark: number): Uint8Array {
    if (from !== this.bytes) {
      this.length = 0;
      this.append(from, start, length);
    }
    // What was appended to may have moved, and has room for the mark.
    this.bytes[length] = mark;
    return this.bytes.subarray(0, length + 1);
  }

  private append(from: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    this.bytes.set(from.subarray(start, start + length), this.length);
    this.length += length;
  }

  /** Makes room for so many bytes more, and for a mark. */
  private reserve(more: number): void {
    const needed = this.length + more + 1;
    if (needed <= this.bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    wider.set(this.bytes.subarray(0, this.length));
    this.bytes = wider;
    this.view = new DataView(wider.buffer);
  }
}
