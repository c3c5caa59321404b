import { getCiphers } from 'node:tls';
import { opensslCipherName } from './tls-options.js';

describe('opensslCipherName', () => {
  const f = (name: string, openssl: string): void => expect(opensslCipherName(name)).toBe(openssl);

  it('translates the names of Go', () => {
    f('TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256');
    f('TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384');
    f('TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305');
    f('TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305');
    f('TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256', 'ECDHE-RSA-AES128-SHA256');
    f('TLS_RSA_WITH_AES_256_CBC_SHA', 'AES256-SHA');
    f('TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256');
    f('ECDHE-RSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256');
  });

  it('gives names that there are', () => {
    const known = getCiphers();
    for (const name of ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'TLS_RSA_WITH_AES_128_CBC_SHA']) {
      expect(known).toContain(opensslCipherName(name).toLowerCase());
    }
  });
});
