/**
 * Rows picked from several sources one by one, copied column by column: deciding the order costs little, and copying is a
 * loop over one typed array.
 */
import { exactInteger, numberColumn, stringColumn, type Column } from '../column.js';
import type { ValueType } from '../value-type.js';

/** Where picked rows come from. */
export interface PickSource {
  /** One for each column of the result; null where all rows of the source have the text in `constants`. */
  readonly columns: readonly (Column | null)[];
  readonly constants: readonly (string | null)[];
  readonly offsets: Float64Array;
  /** Place among the sources. */
  readonly ordinal: number;
}

/** The first `count` picks: a source and a row of it each. */
interface Picks {
  readonly sources: readonly PickSource[];
  readonly rows: Int32Array;
  readonly count: number;
}

/** Rows picked before they are copied. */
const PENDING_MAX = 1024;

/** Gathers rows; {@link flush} has to be called before a source changes. */
export class PickedRows {
  count = 0;
  readonly #types: readonly ValueType[];
  readonly #columns: GatheredColumn[];
  readonly #sources = new Array<PickSource | null>(PENDING_MAX).fill(null);
  readonly #rows = new Int32Array(PENDING_MAX);
  #pending = 0;
  #offsets: Float64Array = new Float64Array(64);
  /** Of each row, its source; null where nobody asks. */
  #ordinals: number[] | null;

  /** @param hasOrdinals true to keep in mind where each row comes from */
  constructor(types: readonly ValueType[], hasOrdinals = false) {
    this.#types = types;
    this.#ordinals = hasOrdinals ? [] : null;
    this.#columns = types.map((type) => new GatheredColumn(type));
  }

  push(source: PickSource, row: number): void {
    if (this.#pending === PENDING_MAX) this.flush();
    this.#sources[this.#pending] = source;
    this.#rows[this.#pending++] = row;
    this.#ordinals?.push(source.ordinal);
    this.count++;
  }

  /** Copies what was picked out of the sources. */
  flush(): void {
    const count = this.#pending;
    if (count === 0) return;
    const from = this.count - count;
    if (this.#offsets.length < this.count) this.#offsets = grownFloats(this.#offsets, this.count);
    const sources = this.#sources as PickSource[];
    gatherOffsets(sources, this.#rows, count, this.#offsets, from);
    const picks = { sources, rows: this.#rows, count };
    for (let c = 0; c < this.#columns.length; c++)
      (this.#columns[c] as GatheredColumn).append(picks, c);
    this.#pending = 0;
  }

  /** The rows so far, owned by the caller; goes on with none. */
  take(): {
    readonly offsets: Float64Array;
    readonly columns: readonly Column[];
    readonly ordinals: readonly number[] | null;
  } {
    this.flush();
    const taken = {
      ordinals: this.#ordinals,
      offsets: this.#offsets.subarray(0, this.count),
      columns: this.#columns.map((column) => column.take()),
    };
    this.count = 0;
    if (this.#ordinals) this.#ordinals = [];
    this.#offsets = new Float64Array(taken.offsets.length);
    this.#types.forEach((type, c) => (this.#columns[c] = new GatheredColumn(type)));
    return taken;
  }
}

class GatheredColumn {
  readonly #type: ValueType;
  #count = 0;
  #numbers: Float64Array = new Float64Array(0);
  #present: Uint8Array | null = null;
  #wide: BigInt64Array | null = null;
  readonly #strings: (string | null)[] = [];

  constructor(type: ValueType) {
    this.#type = type;
  }

  append(picks: Picks, c: number): void {
    const { sources, rows, count } = picks;
    if (this.#type === 'string') {
      for (let i = 0; i < count; i++) {
        const source = sources[i] as PickSource;
        const column = source.columns[c];
        this.#strings.push(
          column ? (column.strings[rows[i] as number] ?? null) : (source.constants[c] ?? null),
        );
      }
      return;
    }
    const from = this.#count;
    this.#count += count;
    if (this.#numbers.length < this.#count) this.#grow();
    if (!gatherPlain(picks, c, this.#numbers, from)) this.#appendSlowly(picks, c, from);
    else if (this.#wide)
      for (let i = from; i < this.#count; i++) this.#wide[i] = BigInt(this.#numbers[i] as number);
  }

  /** Where values are missing or beyond 2^53. */
  #appendSlowly({ sources, rows, count }: Picks, c: number, from: number): void {
    for (let i = 0; i < count; i++) {
      const column = sources[i]?.columns[c];
      const row = rows[i] as number;
      if (!column || (column.present && column.present[row] === 0)) {
        this.#present ??= new Uint8Array(this.#numbers.length).fill(1);
        this.#present[from + i] = 0;
        this.#numbers[from + i] = 0;
        continue;
      }
      this.#numbers[from + i] = column.numbers[row] as number;
      if (column.wide && !this.#wide) {
        this.#wide = new BigInt64Array(this.#numbers.length);
        for (let k = 0; k < from + i; k++) this.#wide[k] = BigInt(this.#numbers[k] as number);
      }
      if (this.#wide) this.#wide[from + i] = BigInt.asIntN(64, exactInteger(column, row));
    }
  }

  take(): Column {
    if (this.#type === 'string') return stringColumn(this.#strings);
    const count = this.#count;
    return numberColumn(
      this.#type,
      this.#numbers.subarray(0, count),
      this.#present?.subarray(0, count) ?? null,
      this.#wide?.subarray(0, count) ?? null,
    );
  }

  #grow(): void {
    this.#numbers = grownFloats(this.#numbers, this.#count);
    const { length } = this.#numbers;
    if (this.#present) {
      const present = new Uint8Array(length).fill(1, this.#present.length);
      present.set(this.#present);
      this.#present = present;
    }
    if (this.#wide) {
      const wide = new BigInt64Array(length);
      wide.set(this.#wide);
      this.#wide = wide;
    }
  }
}

function grownFloats(current: Float64Array, count: number): Float64Array {
  const longer = new Float64Array(Math.max(count, current.length * 2));
  longer.set(current);
  return longer;
}

function gatherOffsets(
  sources: readonly PickSource[],
  rows: Int32Array,
  count: number,
  into: Float64Array,
  from: number,
): void {
  for (let i = 0; i < count; i++)
    into[from + i] = (sources[i] as PickSource).offsets[rows[i] as number] as number;
}

/** Copies numbers; false where one is missing or wide. */
function gatherPlain(
  { sources, rows, count }: Picks,
  c: number,
  into: Float64Array,
  from: number,
): boolean {
  for (let i = 0; i < count; i++) {
    const column = (sources[i] as PickSource).columns[c] as Column | null;
    if (column === null || column.present !== null || column.wide !== null) return false;
    into[from + i] = column.numbers[rows[i] as number] as number;
  }
  return true;
}
