/**
 * Which tag of a measurement brings the most different values of late, by linear counting: a bitmap a tag, set by the hashes
 * of the values of new series. Exact enough to tell a request id from a host.
 */
import type { Tag } from '#models';

/** Measurements watched in one period; those beyond are not told apart: their tags go in order. */
const MEASUREMENTS_MAX = 1000;
/** Tags watched of each. */
const TAGS_MAX = 64;
/** Bits of a bitmap: 512 bytes a tag; tells apart up to about 30,000 values. */
const BITS = 4096;

/** Values of one tag. */
class DistinctValues {
  private readonly bits = new Uint8Array(BITS / 8);
  /** Bits set. */
  count = 0;

  add(value: string): void {
    const bit = hashOf(value) & (BITS - 1);
    const mask = 1 << (bit & 7);
    if ((this.bits[bit >>> 3] & mask) !== 0) return;
    this.bits[bit >>> 3] |= mask;
    this.count++;
  }
}

type Tags = Map<string, DistinctValues>;

/** Watches new series in periods; what it says is of the current one and the one before. */
export class TagGrowth {
  private current = new Map<string, Tags>();
  private previous = new Map<string, Tags>();

  /** Takes note of a new series. */
  note(measurement: string, tags: readonly Tag[]): void {
    let known = this.current.get(measurement);
    if (known === undefined) {
      if (this.current.size >= MEASUREMENTS_MAX) return;
      known = new Map();
      this.current.set(measurement, known);
    }
    for (const { key, value } of tags) {
      let values = known.get(key);
      if (values === undefined) {
        if (known.size >= TAGS_MAX) continue;
        values = new DistinctValues();
        known.set(key, values);
      }
      values.add(value);
    }
  }

  /** The tags' positions, the one with the most new values first. */
  order(measurement: string, tags: readonly Tag[]): number[] {
    const now = this.current.get(measurement);
    const before = this.previous.get(measurement);
    const growth = tags.map(({ key }) =>
      Math.max(now?.get(key)?.count ?? 0, before?.get(key)?.count ?? 0),
    );
    return tags.map((_, i) => i).sort((a, b) => growth[b] - growth[a]);
  }

  /** Begins a new period. */
  turn(): void {
    this.previous = this.current;
    this.current = new Map();
  }
}

/** FNV-1a over UTF-16, mixed. */
function hashOf(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  return h ^ (h >>> 13);
}
