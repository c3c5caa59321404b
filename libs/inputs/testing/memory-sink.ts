/** A sink that keeps points as lines of line protocol, for tests of inputs. It can be held up and made to fail. */
import { TidegateError } from '#kernel';
import {
  FieldType,
  int64ToBigInt,
  type KnownSeries,
  parseSeriesKey,
  type PointsBatch,
  type PointsGroup,
} from '#models';
import type { NameKind, PointSink, SinkOutcome, SinkWrite } from '../shared/point-sink.js';

/** Series of one database. */
class MemorySeries implements KnownSeries {
  shapeHints: Int32Array = new Int32Array(1024).fill(-1);
  readonly keys: string[] = [];
  private readonly ids = new Map<string, number>();

  find(bytes: Uint8Array, start: number, length: number): number {
    return (
      this.ids.get(Buffer.from(bytes.subarray(start, start + length)).toString('latin1')) ?? -1
    );
  }

  addAlias(): void {
    // Declines.
  }

  add(key: string): number {
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    const id = this.keys.push(key) - 1;
    this.ids.set(key, id);
    if (id >= this.shapeHints.length) {
      const wider = new Int32Array(2 * id).fill(-1);
      wider.set(this.shapeHints);
      this.shapeHints = wider;
    }
    return id;
  }
}

interface MemoryDatabase {
  readonly series: MemorySeries;
  readonly lines: string[];
}

/** Why points are refused. */
const REFUSED = 'points beyond retention policy';

/** See the header. */
export class MemorySink implements PointSink {
  /** Writes that fail before one succeeds. */
  failures = 0;
  /** What they fail with. */
  failure: Error = new TidegateError('test.write-failed', 'the disk is on fire');
  /** Points that writes refuse before all are taken again. */
  refusals = 0;
  /** False where points are only to be counted. */
  areLinesKept = true;
  /** Batches written. */
  batches = 0;
  /** Points written, also those of databases that were dropped since. */
  points = 0;
  private readonly databases = new Map<string, MemoryDatabase>();
  private held: Promise<void> | null = null;
  private letGo: () => void = () => undefined;

  series(database: string): KnownSeries | null {
    return this.databases.get(database)?.series ?? null;
  }

  keyOf(database: string, seriesId: number): Uint8Array {
    return Buffer.from(this.databases.get(database)?.series.keys[seriesId] ?? '', 'latin1');
  }

  names(database: string, kind: NameKind, beginning: string, max: number): readonly string[] {
    const keys = this.databases.get(database)?.series.keys ?? [];
    const names = keys.flatMap((key) => {
      const { measurement, tags } = parseSeriesKey(Buffer.from(key, 'latin1'));
      if (kind === 'measurements') return [measurement];
      return tags.map((tag) => (kind === 'tag-keys' ? tag.key : tag.value));
    });
    return [...new Set(names)]
      .filter((name) => name.startsWith(beginning))
      .sort()
      .slice(0, max);
  }

  ensureDatabase(database: string): Promise<void> {
    if (!this.databases.has(database)) {
      this.databases.set(database, { series: new MemorySeries(), lines: [] });
    }
    return Promise.resolve();
  }

  /** Forgets a database, as DROP DATABASE does. */
  dropDatabase(database: string): void {
    this.databases.delete(database);
  }

  /** Lets all writes wait until {@link release}. */
  hold(): void {
    this.held ??= new Promise((resolve) => (this.letGo = resolve));
  }

  release(): void {
    this.held = null;
    this.letGo();
  }

  async write({ database, batch }: SinkWrite): Promise<SinkOutcome> {
    if (this.held !== null) await this.held;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failures > 0) {
      this.failures--;
      throw this.failure;
    }
    const found = this.databases.get(database);
    if (found === undefined) throw new TidegateError('test.no-database', 'database not found');
    this.batches++;
    const dropped = Math.min(this.refusals, batch.pointCount);
    this.refusals -= dropped;
    const points = batch.pointCount - dropped;
    batch.refusals.length = 0;
    for (const group of dropped === 0 ? [] : batch.groups) {
      for (let row = 0; row < group.rows; row++)
        if (group.pointNumbers[row] >= points) batch.refuse(group, row, REFUSED);
    }
    const lines = this.areLinesKept ? batchLines(batch, found.series).slice(0, points) : [];
    for (const line of lines) found.lines.push(line);
    this.points += points;
    return { points, dropped, reason: dropped === 0 ? '' : REFUSED };
  }

  /** What a database holds, in order of writing: `key field=value time`. */
  lines(database: string): readonly string[] {
    return this.databases.get(database)?.lines ?? [];
  }
}

function batchLines(batch: PointsBatch, series: MemorySeries): string[] {
  const lines: { readonly number: number; readonly line: string }[] = [];
  for (const group of batch.groups) {
    for (let row = 0; row < group.rows; row++) {
      const start = group.keyStart[row];
      let id = group.seriesIds[row];
      if (id < 0) {
        const key = batch.extra.subarray(start, start + group.keyLength[row]);
        id = series.add(Buffer.from(key).toString('latin1'));
      }
      const key = Buffer.from(series.keys[id] ?? '', 'latin1').toString('utf8');
      const time = int64ToBigInt(group.times[2 * row], group.times[2 * row + 1]);
      const line = `${key} ${fieldsText(batch, group, row)} ${time}`;
      lines.push({ number: group.pointNumbers[row], line });
    }
  }
  return lines.sort((a, b) => a.number - b.number).map(({ line }) => line);
}

function fieldsText(batch: PointsBatch, group: PointsGroup, row: number): string {
  const { shape, capacity, values } = group;
  return shape.names
    .map((name, f) => {
      const cell = values[f * capacity + row];
      switch (shape.types[f]) {
        case FieldType.STRING:
          return `${name}=${JSON.stringify(Buffer.from(batch.stringBytes(cell)).toString('utf8'))}`;
        case FieldType.BOOLEAN:
          return `${name}=${cell === 1}`;
        case FieldType.INTEGER:
          return `${name}=${cell}i`;
        default:
          return `${name}=${Object.is(cell, -0) ? '-0' : cell}`;
      }
    })
    .join(',');
}
