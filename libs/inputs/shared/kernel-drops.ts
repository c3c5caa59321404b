/** Reads Linux' table of UDP sockets: what the kernel dropped because a socket's buffer was full. @see proc(5), net/ipv4/udp.c */

/**
 * Drops of the socket bound to an address and port, or null where it is not in the table.
 * @param table text of /proc/net/udp or /proc/net/udp6
 * @param address as Node reports it for the socket
 */
export function kernelDropsOf(table: string, address: string, port: number): number | null {
  const local = `${hexAddress(address)}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1] === local) return Number(columns[columns.length - 1]);
  }
  return null;
}

/** An address as the table has it: 32-bit words in the machine's order, which is little-endian wherever Node runs. */
function hexAddress(address: string): string {
  const bytes = address.includes(':') ? bytesOfV6(address) : address.split('.').map(Number);
  let hex = '';
  for (let word = 0; word < bytes.length; word += 4) {
    for (let i = 3; i >= 0; i--) hex += bytes[word + i].toString(16).padStart(2, '0');
  }
  return hex.toUpperCase();
}

function bytesOfV6(address: string): number[] {
  const plain = (address.split('%')[0] ?? '').replace(
    /(\d+)\.(\d+)\.(\d+)\.(\d+)$/,
    (_all, a, b, c, d) =>
      `${(Number(a) * 256 + Number(b)).toString(16)}:${(Number(c) * 256 + Number(d)).toString(16)}`,
  );
  const [head = '', tail] = plain.split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const before = words(head);
  const after = tail === undefined ? [] : words(tail);
  const gap = new Array<number>(8 - before.length - after.length).fill(0);
  return [...before, ...gap, ...after].flatMap((word) => [word >> 8, word & 255]);
}
