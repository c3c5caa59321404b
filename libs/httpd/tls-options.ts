/**
 * What an encrypted listener needs: certificate and key from their files, and the versions and cipher suites of `[tls]`, which
 * are written in Go's words.
 */
import { readFileSync } from 'node:fs';
import type { SecureContextOptions, SecureVersion } from 'node:tls';
import type { HttpConfig, TlsConfig } from './httpd.config.js';

/**
 * Reads the files as they are now, so that a reload takes up a renewed certificate.
 * @throws errors of the file system
 */
export function readTlsOptions(
  http: Pick<HttpConfig, 'httpsCertificatePath' | 'httpsPrivateKeyPath'>,
  tls: Pick<TlsConfig, 'ciphers' | 'versionMin' | 'versionMax'>,
): SecureContextOptions {
  const ciphers = tls.ciphers.map(opensslCipherName).join(':');
  return {
    cert: readFileSync(http.httpsCertificatePath),
    key: readFileSync(http.httpsPrivateKeyPath || http.httpsCertificatePath),
    ...(ciphers === '' ? {} : { ciphers }),
    ...(tls.versionMin === '' ? {} : { minVersion: versionOf(tls.versionMin) }),
    ...(tls.versionMax === '' ? {} : { maxVersion: versionOf(tls.versionMax) }),
  };
}

/** `tls1.2` or `1.2` as Node names it. SSL 3.0 is not to be had any more: the oldest there is. */
function versionOf(word: string): SecureVersion {
  const number = /1\.[0-3]/.exec(word)?.[0] ?? '1.0';
  return (number === '1.0' ? 'TLSv1' : `TLSv${number}`) as SecureVersion;
}

/**
 * A cipher suite's name in OpenSSL's spelling: `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256`. Suites of
 * TLS 1.3 and names that are OpenSSL's already stay.
 */
export function opensslCipherName(name: string): string {
  const [exchange, cipher] = name.replace(/^TLS_/, '').split('_WITH_');
  if (cipher === undefined) return name;
  const short = cipher
    .replace(/^3DES_EDE_CBC_/, 'DES_CBC3_')
    .replace(/^CHACHA20_POLY1305(_SHA256)?$/, 'CHACHA20_POLY1305')
    .replace(/^AES_(128|256)_(CBC_)?/, 'AES$1_')
    .replace(/^RC4_128_/, 'RC4_');
  return (exchange === 'RSA' ? short : `${exchange}_${short}`).replaceAll('_', '-');
}
