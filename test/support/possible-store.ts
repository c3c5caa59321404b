/**
 * What a store may hold after a crash: for each time of each field the values that would be right. An acknowledged write
 * leaves one; a write that the crash cut off adds one, and has to be there as a whole or not at all.
 */
import type { BenchDeletion } from './store-bench.js';
import type { NaivePoint, NaiveValue } from './naive-store.js';

/** Stands for "no value". */
const ABSENT = 'absent';

/** One value of one field of one series at one time, in one shard. */
interface Cell {
  readonly name: string;
  readonly series: string;
  readonly timeNs: bigint;
  readonly possible: Set<string>;
}

/** A write whose end nobody heard of. */
interface OpenWrite {
  /** Values that only this write can have put there. */
  readonly cells: Map<Cell, string>;
}

/** Reads a field of a series: the store under test. */
export type ReadField = (series: string, field: string) => [bigint, NaiveValue][];

/** Possible contents of one shard. */
export class PossibleStore {
  private readonly cells = new Map<string, Cell>();
  private openWrites: OpenWrite[] = [];

  /** A write, acknowledged or not, as far as its sender knows. */
  write(points: readonly NaivePoint[], isAcknowledged: boolean): void {
    // A record holds its points in order: the last of a field and time counts.
    const written = new Map<Cell, string>();
    for (const { series, timeNs, fields } of points) {
      for (const [field, value] of Object.entries(fields)) {
        written.set(this.cell(series, field, timeNs), textOf(value));
      }
    }
    for (const [cell, value] of written) {
      // Whatever was open about this cell cannot be told any more.
      for (const { cells } of this.openWrites) cells.delete(cell);
      if (isAcknowledged) cell.possible.clear();
      else if (cell.possible.has(value)) written.delete(cell);
      cell.possible.add(value);
    }
    if (!isAcknowledged) this.openWrites.push({ cells: written });
  }

  /** A deletion; one that was not acknowledged may have been done in part. */
  delete({ series, minNs, maxNs }: BenchDeletion, isAcknowledged: boolean): void {
    for (const cell of this.cells.values()) {
      if (!series.includes(cell.series) || cell.timeNs < minNs || cell.timeNs > maxNs) continue;
      for (const { cells } of this.openWrites) cells.delete(cell);
      if (isAcknowledged) cell.possible.clear();
      cell.possible.add(ABSENT);
    }
  }

  /**
   * Compares with a store. What it says is wrong, one line each; no line when all is well.
   * @param isSettled true when what is there now stays there: it is what is expected from now on
   */
  check(
    series: readonly string[],
    fields: readonly string[],
    read: ReadField,
    isSettled: boolean,
  ): string[] {
    const faults: string[] = [];
    const found = new Map<string, string>();
    for (const key of series) {
      for (const field of fields) {
        let before = -(2n ** 63n) - 1n;
        for (const [timeNs, value] of read(key, field)) {
          const name = nameOf(key, field, timeNs);
          if (timeNs <= before) faults.push(`${name} is there twice or out of order`);
          before = timeNs;
          found.set(name, textOf(value));
          if (!this.cells.has(name))
            faults.push(`${name} was never written and is ${textOf(value)}`);
        }
      }
    }
    for (const { name, possible } of this.cells.values()) {
      const value = found.get(name) ?? ABSENT;
      if (!possible.has(value))
        faults.push(`${name} is ${value}, not ${[...possible].join(' or ')}`);
    }
    for (const { cells } of this.openWrites) {
      const present = [...cells].filter(([{ name }, value]) => found.get(name) === value);
      if (present.length === 0 || present.length === cells.size) continue;
      faults.push(`a write is there in part: ${present.length} of ${cells.size} values`);
    }
    if (isSettled) this.settle(found);
    return faults;
  }

  private settle(found: ReadonlyMap<string, string>): void {
    for (const { name, possible } of this.cells.values()) {
      possible.clear();
      possible.add(found.get(name) ?? ABSENT);
    }
    this.openWrites = [];
  }

  private cell(series: string, field: string, timeNs: bigint): Cell {
    const name = nameOf(series, field, timeNs);
    let cell = this.cells.get(name);
    if (cell === undefined) {
      cell = { name, series, timeNs, possible: new Set([ABSENT]) };
      this.cells.set(name, cell);
    }
    return cell;
  }
}

const nameOf = (series: string, field: string, timeNs: bigint): string =>
  `${series} ${field} ${timeNs}`;

const textOf = (value: NaiveValue): string =>
  Object.is(value, -0) ? 'number -0' : `${typeof value} ${String(value)}`;
