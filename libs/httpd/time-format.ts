/** How times of an answer are written: as text, or as a count of a unit since 1970. */

/** Nanoseconds of the unit a client named in `epoch`; unknown words mean nanoseconds. Null (for '') means text. */
export function epochUnitNs(word: string): bigint | null {
  if (word === '') return null;
  switch (word) {
    case 'u':
      return 1_000n;
    case 'ms':
      return 1_000_000n;
    case 's':
      return 1_000_000_000n;
    case 'm':
      return 60_000_000_000n;
    case 'h':
      return 3_600_000_000_000n;
    default:
      return 1n;
  }
}
