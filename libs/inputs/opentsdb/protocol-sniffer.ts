/** Tells HTTP from telnet by the first line of a connection, which is what InfluxDB does. */

/** What a connection speaks; `unknown` as long as more bytes are needed. */
export type SpokenProtocol = 'http' | 'telnet' | 'unknown';

/** Longest first line of an HTTP request. */
export const REQUEST_LINE_BYTES_MAX = 8192;

const NEWLINE = 10;

/** @param beginning the first bytes of a connection */
export function spokenProtocol(beginning: Uint8Array): SpokenProtocol {
  if (beginning.length === 0) return 'unknown';
  // Methods are upper case, telnet's commands are lower case.
  if (beginning[0] < 65 || beginning[0] > 90) return 'telnet';
  const end = beginning.indexOf(NEWLINE);
  if (end < 0) return beginning.length > REQUEST_LINE_BYTES_MAX ? 'telnet' : 'unknown';
  const line = Buffer.from(beginning.subarray(0, end)).toString('latin1');
  return /^[A-Z]+ \S+ HTTP\/1\.[01]\r?$/.test(line) ? 'http' : 'telnet';
}
