/** Lines within bytes of line protocol. */
import { findLineEnd } from '#models';
import type { Lines } from './sender.js';

/** Where each line ends, exclusive and without its newline; lines follow each other without a gap. */
export function lineEnds(body: Uint8Array): readonly number[] {
  const ends: number[] = [];
  for (let start = 0; start < body.length;) {
    const end = findLineEnd(body, start, body.length);
    ends.push(end);
    start = end + 1;
  }
  return ends;
}

/** The pieces as one. */
export function joinLines({ pieces }: Pick<Lines, 'pieces'>): Uint8Array {
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

/** Bytes as lines to send. */
export function linesOf(...pieces: readonly Uint8Array[]): Lines {
  return { pieces, sizeBytes: pieces.reduce((sum, { length }) => sum + length, 0) };
}
