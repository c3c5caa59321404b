/**
 * Time zones by IANA name, through the runtime's own tables. An offset is asked for per instant; the instants where a
 * zone's offset changes are searched once per zone and year and kept.
 */

const zones = new Map<string, TimeZone | null>();

/** A zone's offset from UTC at any instant. */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat | null;
  /** Offset and its bounds (start inclusive, end exclusive, seconds) of the stretch asked for last. */
  #startSec = Infinity;
  #endSec = -Infinity;
  #offsetSec = 0;

  constructor(name: string, format: Intl.DateTimeFormat | null) {
    this.name = name;
    this.#format = format;
  }

  /** True for UTC, whose offset never differs from 0. */
  get isUtc(): boolean {
    return this.#format === null;
  }

  /** Seconds to add to UTC at this instant. */
  offsetSec(epochSec: number): number {
    if (!this.#format) return 0;
    if (epochSec < this.#startSec || epochSec >= this.#endSec) this.#locate(epochSec);
    return this.#offsetSec;
  }

  /** Nanoseconds to add to UTC at this instant. */
  offsetNs(epochNs: bigint): bigint {
    return this.#format ? BigInt(this.offsetSec(floorSec(epochNs))) * 1_000_000_000n : 0n;
  }

  /** The instant at which clocks show `localNs` (nanoseconds as if UTC). In a gap or overlap, the later offset's reading. */
  toUtcNs(localNs: bigint): bigint {
    if (!this.#format) return localNs;
    let utcNs = localNs - this.offsetNs(localNs);
    const offsetNs = this.offsetNs(utcNs);
    if (localNs - offsetNs !== utcNs) {
      const other = localNs - offsetNs;
      utcNs = this.offsetNs(other) === offsetNs ? other : utcNs;
    }
    return utcNs;
  }

  /** Finds the stretch of constant offset around an instant, to the second, within about four months each way. */
  #locate(epochSec: number): void {
    const reach = 120 * 86400;
    const offset = this.#offsetAt(epochSec);
    this.#offsetSec = offset;
    this.#startSec = this.#edge(epochSec, -reach, offset);
    this.#endSec = this.#edge(epochSec, reach, offset);
  }

  #edge(fromSec: number, reach: number, offset: number): number {
    const step = Math.sign(reach) * 10 * 86400;
    let same = fromSec;
    let other = fromSec;
    for (let at = fromSec; Math.abs(at - fromSec) <= Math.abs(reach); at += step) {
      other = at;
      if (this.#offsetAt(at) !== offset) break;
      same = at;
    }
    if (same === other) return step < 0 ? same : same + 1;
    while (Math.abs(other - same) > 1) {
      const middle = Math.trunc((same + other) / 2);
      if (this.#offsetAt(middle) === offset) same = middle;
      else other = middle;
    }
    return step < 0 ? same : other;
  }

  #offsetAt(epochSec: number): number {
    const fields: Record<string, number> = {};
    for (const { type, value } of this.#format?.formatToParts(epochSec * 1000) ?? []) {
      if (type !== 'literal') fields[type] = Number(value);
    }
    const { year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
    const shown = Date.UTC(year, month - 1, day, hour % 24, minute, second);
    return Math.round(shown / 1000 - epochSec);
  }
}

/** UTC. */
export const utc = new TimeZone('UTC', null);

/** The zone of this name, or null. Names are case-sensitive; '' and `UTC` are UTC, `Local` the server's zone. */
export function timeZoneOf(name: string): TimeZone | null {
  if (name === '' || name === 'UTC') return utc;
  const known = zones.get(name);
  if (known !== undefined) return known;
  const zone = openZone(name);
  if (zones.size < 1000) zones.set(name, zone);
  return zone;
}

/** True where {@link timeZoneOf} finds the name. */
export function isKnownTimeZone(name: string): boolean {
  return timeZoneOf(name) !== null;
}

function openZone(name: string): TimeZone | null {
  if (name !== 'Local' && !/^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*)*$/.test(name))
    return null;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone: name === 'Local' ? undefined : name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    const resolved = format.resolvedOptions().timeZone;
    if (resolved !== name && resolved.toLowerCase() === name.toLowerCase()) return null;
    return new TimeZone(name, resolved === 'UTC' ? null : format);
  } catch {
    return null;
  }
}

function floorSec(epochNs: bigint): number {
  const sec = epochNs / 1_000_000_000n;
  return Number(epochNs % 1_000_000_000n < 0n ? sec - 1n : sec);
}
