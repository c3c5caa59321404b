/** Addresses as InfluxDB's configuration writes them: `host:port`, `[::1]:port`, `:port` for all of the machine's addresses. */
import type { AddressInfo } from 'node:net';
import { InputError } from './errors.js';

/** Where to listen. */
export interface BindAddress {
  /** Undefined for all addresses. */
  readonly host: string | undefined;
  readonly port: number;
}

/** @throws InputError when the text is no address */
export function parseBindAddress(text: string): BindAddress {
  const found = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(text);
  const port = Number(found?.[3]);
  if (found === null)
    throw new InputError('inputs.bad-address', `address ${text}: missing port in address`);
  if (port > 65535) throw new InputError('inputs.bad-address', `address ${port}: invalid port`);
  const host = found[1] ?? found[2];
  return { host: host === '' ? undefined : host, port };
}

/** `127.0.0.1:2003`, `[::1]:2003` */
export function formatAddress({ address, port }: Pick<AddressInfo, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
