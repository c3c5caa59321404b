/** A table of dead letters for a terminal. */

/** A letter as the server tells of it. */
export interface ListedLetter {
  readonly id: number;
  readonly time: string;
  readonly listener: string;
  readonly peer: string;
  readonly reason: string;
  readonly text: string;
  readonly bytes: number;
  readonly sample: string;
  /** Why it cannot be replayed, or ''. */
  readonly unreplayable: string;
}

const COLUMNS = [
  'id',
  'time',
  'listener',
  'peer',
  'bytes',
  'reason',
  'text',
  'unreplayable',
  'sample',
] as const;

/** One line a letter, columns as wide as they need to be; the last one as it is. */
export function formatTable(letters: readonly ListedLetter[]): string {
  const rows = [
    [...COLUMNS],
    ...letters.map((letter) => COLUMNS.map((column) => String(letter[column]))),
  ];
  const widths = COLUMNS.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('  '),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
