/**
 * Signed and encrypted parts of collectd's packets: HMAC-SHA-256, and AES-256 in OFB mode with a SHA-1 inside.
 * @see https://github.com/collectd/collectd/wiki/Binary-protocol
 */
import { createDecipheriv, createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { goQuote } from '../shared/go-text.js';
import type { Credentials } from './auth-file.js';

/** Users by name, binary strings. */
export type Users = ReadonlyMap<string, Credentials>;

const MAC_BYTES = 32;
const IV_BYTES = 16;
const SHA1_BYTES = 20;
const UNDECRYPTED = 'AES256 decryption failure';

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/**
 * Checks a signature.
 * @param part the signature's payload: MAC, user
 * @param rest everything behind the part
 * @returns InfluxDB's text for what is wrong, or ''
 */
export function checkSignature(part: Uint8Array, rest: Uint8Array, users: Users): string {
  if (part.length <= MAC_BYTES) return `part too small (${part.length} bytes)`;
  const name = part.subarray(MAC_BYTES);
  const user = users.get(latin1(name));
  if (user === undefined) return `no such user: ${goQuote(latin1(name))}`;
  const mac = createHmac('sha256', user.password).update(name).update(rest).digest();
  return timingSafeEqual(mac, part.subarray(0, MAC_BYTES)) ? '' : 'SHA256 verification failure';
}

/**
 * Decrypts a part.
 * @param part its payload: length of the user's name, user, initialization vector, ciphertext
 * @returns the parts inside, or InfluxDB's text for what is wrong
 */
export function decryptPart(part: Uint8Array, users: Users): Uint8Array | string {
  if (part.length < 2) return UNDECRYPTED;
  const nameEnd = 2 + ((part[0] << 8) | part[1]);
  const ivEnd = nameEnd + IV_BYTES;
  if (nameEnd === 2 || ivEnd + SHA1_BYTES > part.length) return UNDECRYPTED;
  const user = users.get(latin1(part.subarray(2, nameEnd)));
  if (user === undefined) return UNDECRYPTED;
  const iv = part.subarray(nameEnd, ivEnd);
  const decipher = createDecipheriv('aes-256-ofb', user.cipherKey, iv);
  // A stream cipher: nothing is left for final().
  const plain = decipher.update(part.subarray(ivEnd));
  const content = plain.subarray(SHA1_BYTES);
  const sum = createHash('sha1').update(content).digest();
  return timingSafeEqual(sum, plain.subarray(0, SHA1_BYTES)) ? content : UNDECRYPTED;
}
