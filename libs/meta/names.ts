/**
 * Which names databases and retention policies may have: they are names of directories.
 * @see InfluxDB services/meta ValidName
 */
import { MetaError } from './errors.js';

/** Longest name in bytes. */
export const NAME_LENGTH_MAX = 255;

/** @throws MetaError `invalid name` for names that cannot be directories or do not print */
export function checkName(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\\]/.test(name) || !isPrintable(name)) {
    throw MetaError.of('invalid-name');
  }
}

/** @throws MetaError `name too long` */
export function checkNameLength(name: string): void {
  if (Buffer.byteLength(name) > NAME_LENGTH_MAX) throw MetaError.of('name-too-long');
}

/** Letters, marks, numbers, punctuation, symbols and the plain space, as Go's unicode.IsPrint. */
function isPrintable(name: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(name);
}
