/** Warns at the start of private keys that other users of the machine may read, unless the configuration says that this is meant. */
import { statSync } from 'node:fs';
import { type Logger, messageOf } from '#kernel';
import type { ServerConfig } from './config-registry.js';

/** Permissions of anybody but the file's owner and its group. Debian's packages keep keys for a group (`ssl-cert`). */
const OTHERS_READ = 0o004;

/** Looks at the keys of what is enabled. A file that cannot be looked at is told of by who needs it. */
export function warnOfOpenKeys({ http, opentsdb }: ServerConfig, logger: Logger): void {
  const keys = opentsdb
    .filter(({ isEnabled, isTlsEnabled }) => isEnabled && isTlsEnabled)
    .map((table) => ({
      service: 'opentsdb',
      path: table.privateKeyPath || table.certificatePath,
      isMeant: table.isCertificateInsecure,
    }));
  if (http.isEnabled && http.isHttpsEnabled) {
    const path = http.httpsPrivateKeyPath || http.httpsCertificatePath;
    keys.push({ service: 'httpd', path, isMeant: http.isHttpsCertificateInsecure });
  }
  for (const { service, path, isMeant } of keys) {
    if (isMeant) continue;
    try {
      if ((statSync(path).mode & OTHERS_READ) !== 0)
        logger.warn('Private key can be read by other users', { service, path });
    } catch (error) {
      logger.debug('Private key cannot be looked at', { service, path, error: messageOf(error) });
    }
  }
}
