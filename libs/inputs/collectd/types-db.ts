/**
 * Types of collectd, as types.db has them: which values a list of a type holds, in which order, of which kind.
 * @see types.db(5)
 */
import { hashKey, KeyTable } from '#models';

/** Kinds of values, by their number in packets. */
export const DsKind = { COUNTER: 0, GAUGE: 1, DERIVE: 2, ABSOLUTE: 3 } as const;

/** One value of a type. */
export interface DataSource {
  /** A binary string, one character a byte. */
  readonly name: string;
  /** See {@link DsKind}. */
  readonly kind: number;
}

/** Types that one process knows; further ones are left out. */
export const TYPES_MAX = 100_000;

const KINDS: ReadonlyMap<string, number> = new Map(Object.entries(DsKind));

/** Types by name. */
export class TypesDb {
  private readonly names = new KeyTable(64);
  private readonly dataSets: (readonly DataSource[])[] = [];

  /** Number of types. */
  get count(): number {
    return this.names.count;
  }

  /** The values of the type `bytes[start..start+length)`. */
  find(bytes: Uint8Array, start: number, length: number): readonly DataSource[] | undefined {
    return this.dataSets[this.names.find(bytes, start, length, hashKey(bytes, start, length))];
  }

  /**
   * Adds the types of a file; those that are known already are replaced.
   * @returns lines that cannot be read
   */
  add(text: string): readonly string[] {
    const badLines: string[] = [];
    for (const line of text.split('\n')) {
      const words = line.trim().split(/[\s,]+/);
      const [type = '', ...sources] = words;
      if (type === '' || type.startsWith('#')) continue;
      const dataSet = sources.map(parseSource);
      const known = dataSet.flatMap((source) => source ?? []);
      const names = new Set(known.map(({ name }) => name));
      const isGood = known.length > 0 && known.length === dataSet.length;
      if (!isGood || names.size !== known.length || !this.set(type, known)) badLines.push(line);
    }
    return badLines;
  }

  private set(type: string, dataSet: readonly DataSource[]): boolean {
    const name = Buffer.from(type, 'latin1');
    const hash = hashKey(name, 0, name.length);
    let n = this.names.find(name, 0, name.length, hash);
    if (n < 0) {
      if (this.names.count >= TYPES_MAX || name.length > TYPE_BYTES_MAX) return false;
      n = this.names.add(name, 0, name.length, hash);
    }
    this.dataSets[n] = dataSet;
    return true;
  }
}

const TYPE_BYTES_MAX = 65_535;

/** `name:KIND:minimum:maximum`; the limits are not used. Same as InfluxDB 1.x. */
function parseSource(text: string): DataSource | null {
  const [name = '', kindName = '', ...limits] = text.split(':');
  const kind = KINDS.get(kindName.toUpperCase());
  return name === '' || kind === undefined || limits.length !== 2 ? null : { name, kind };
}
