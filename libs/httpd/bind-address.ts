/** Addresses as InfluxDB's configuration writes them: `host:port`, `:port` for all of the machine's addresses. */
import { HttpError } from './errors.js';

/** Where to listen. */
export interface BindAddress {
  /** Undefined for all addresses. */
  readonly host: string | undefined;
  readonly port: number;
}

/** @throws HttpError when the text is no address */
export function parseBindAddress(text: string): BindAddress {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null || port > 65535) {
    throw new HttpError(
      'httpd.bad-address',
      `listen tcp: address ${text}: missing port in address`,
    );
  }
  const host = found[1] ?? found[2];
  return { host: host === '' ? undefined : host, port };
}
