/**
 * Turns the points of a shard into line protocol, series by series in order of their keys, points in order of time. What was
 * overwritten or deleted is not there: the lines are what a query would see.
 */
import {
  type ColumnBatch,
  compareBytes,
  escapeFieldName,
  type FieldType,
  FieldType as Type,
} from '#models';
import type { SeriesIndex } from '#series-index';
import type { EngineView, FieldsCursor } from '#tsm';
import type { Shard } from '../shard.js';

/** What to leave out. */
export interface ExportRange {
  /** First and last time, inclusive. */
  readonly minNs: bigint;
  readonly maxNs: bigint;
}

/** Lines of one series, and where in the shard it stands. */
export interface ExportedChunk {
  /** Lines, each with its line feed. May be empty. */
  readonly text: string;
  readonly points: number;
  /** Series done, of how many. */
  readonly seriesDone: number;
  readonly seriesCount: number;
  /** Points that line protocol cannot carry: a line feed in a key. */
  readonly skipped: number;
}

/** Lines gathered before they are handed over. */
const CHUNK_LINES = 5000;

const decoder = new TextDecoder();

/** The points of a shard as chunks of lines. */
export function* exportShard(
  shard: Shard,
  index: SeriesIndex,
  range: ExportRange,
): Generator<ExportedChunk> {
  const ids = [...shard.series].sort((a, b) => compareBytes(index.keyOf(a), index.keyOf(b)));
  const view = shard.engine.view();
  try {
    let seriesDone = 0;
    for (const seriesId of ids) {
      const series = new SeriesExport(shard, index, { view, seriesId, range });
      for (;;) {
        const { text, points, isDone } = series.next();
        if (isDone) seriesDone++;
        const skipped = series.isPrintable ? 0 : points;
        yield {
          text: series.isPrintable ? text : '',
          points: points - skipped,
          skipped,
          seriesDone,
          seriesCount: ids.length,
        };
        if (isDone) break;
      }
    }
  } finally {
    view.release();
  }
}

/** One field of a series: its name and type in lines, and where its cursor stands. */
interface FieldLane {
  readonly prefix: string;
  readonly type: FieldType;
  batch: ColumnBatch | null;
  at: number;
  timeNs: bigint;
}

class SeriesExport {
  /** False for a key with a line feed. */
  readonly isPrintable: boolean;
  private readonly key: string;
  private readonly cursor: FieldsCursor;
  private readonly lanes: FieldLane[];

  constructor(
    shard: Shard,
    index: SeriesIndex,
    where: { readonly view: EngineView; readonly seriesId: number; readonly range: ExportRange },
  ) {
    const { view, seriesId, range } = where;
    const seriesKey = index.keyOf(seriesId).slice();
    const fields = [...shard.fields.fields(index.measurementIdOf[seriesId])];
    this.key = decoder.decode(seriesKey);
    this.cursor = view.cursor({
      seriesId,
      seriesKey,
      fields: fields.map(([name, type]) => ({ name, type })),
      ...range,
      ascending: true,
      baseNs: 0n,
    });
    this.lanes = fields.map(([name, type]) => ({
      prefix: `${escapeFieldName(name)}=`,
      type,
      batch: null,
      at: 0,
      timeNs: 0n,
    }));
    this.isPrintable = !this.key.includes('\n') && !fields.some(([name]) => name.includes('\n'));
    for (const number of this.lanes.keys()) this.load(number);
  }

  /** The next lines. */
  next(): { readonly text: string; readonly points: number; readonly isDone: boolean } {
    const lines: string[] = [];
    while (lines.length < CHUNK_LINES) {
      const timeNs = this.earliest();
      if (timeNs === null) return { text: lines.join(''), points: lines.length, isDone: true };
      lines.push(`${this.key} ${this.fieldsAt(timeNs)} ${timeNs}\n`);
    }
    return { text: lines.join(''), points: lines.length, isDone: false };
  }

  private earliest(): bigint | null {
    let earliest: bigint | null = null;
    for (const { batch, timeNs } of this.lanes) {
      if (batch !== null && (earliest === null || timeNs < earliest)) earliest = timeNs;
    }
    return earliest;
  }

  private fieldsAt(timeNs: bigint): string {
    const texts: string[] = [];
    for (const [number, lane] of this.lanes.entries()) {
      if (lane.batch === null || lane.timeNs !== timeNs) continue;
      texts.push(lane.prefix + valueText(lane.batch, lane.type, lane.at));
      if (++lane.at < lane.batch.count) lane.timeNs = timeAt(lane.batch, lane.at);
      else this.load(number);
    }
    return texts.join(',');
  }

  private load(number: number): void {
    const lane = this.lanes[number];
    do lane.batch = this.cursor.next(number);
    while (lane.batch !== null && lane.batch.count === 0);
    lane.at = 0;
    if (lane.batch !== null) lane.timeNs = timeAt(lane.batch, 0);
  }
}

const timeAt = (batch: ColumnBatch, i: number): bigint => batch.baseNs + BigInt(batch.offsets[i]);

function valueText(batch: ColumnBatch, type: FieldType, i: number): string {
  const number = batch.numbers[i];
  if (type === Type.FLOAT) return Object.is(number, -0) ? '-0' : String(number);
  if (type === Type.BOOLEAN) return number === 1 ? 'true' : 'false';
  if (type === Type.STRING) {
    const { bytes, offsets } = batch.strings ?? { bytes: new Uint8Array(0), offsets: [0, 0] };
    const text = decoder.decode(bytes.slice(offsets[i], offsets[i + 1]));
    return `"${text.replace(/["\\]/g, '\\$&')}"`;
  }
  const whole = batch.wide === null ? BigInt(number) : batch.wide[i];
  return type === Type.UNSIGNED ? `${BigInt.asUintN(64, whole)}u` : `${whole}i`;
}
