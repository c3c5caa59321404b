/**
 * multipart/form-data, as far as queries use it: fields, and a file whose content is a field's value (`curl -F q=@file`).
 */
import { UrlValues } from './url-values.js';

/** The fields of a form body, or null when the content type names no boundary. Malformed parts are left out. */
export function parseMultipart(contentType: string, body: Uint8Array): UrlValues | null {
  const boundary = /boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType);
  if (boundary === null) return null;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
  const values = new UrlValues();
  const parts = `\r\n${text}`.split(`\r\n--${boundary[1] ?? boundary[2] ?? ''}`);
  for (const part of parts.slice(1)) {
    if (part.startsWith('--')) break;
    const end = part.indexOf('\r\n\r\n');
    const name = /content-disposition:[^\r\n]*?[;\s]name="([^"]*)"/i.exec(part.slice(0, end));
    if (end >= 0 && name !== null) values.add(name[1] ?? '', part.slice(end + 4));
  }
  return values;
}
