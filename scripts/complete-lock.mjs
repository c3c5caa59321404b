// Adds to package-lock.json the optional packages of other platforms that npm left out because its registry did not have them.
// `npm ci` refuses a lock file without them. Run after every change of dependencies: node scripts/complete-lock.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = join(dirname(fileURLToPath(import.meta.url)), '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const systems = [
  'darwin',
  'win32',
  'linux',
  'android',
  'freebsd',
  'openbsd',
  'netbsd',
  'sunos',
  'aix',
  'openharmony',
];
const processors = {
  arm64: 'arm64',
  aarch64: 'arm64',
  x64: 'x64',
  x86_64: 'x64',
  ia32: 'ia32',
  i686: 'ia32',
  arm: 'arm',
  armv7: 'arm',
  ppc64: 'ppc64',
  powerpc64le: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  riscv64gc: 'riscv64',
  loong64: 'loong64',
  mips64el: 'mips64el',
  wasm32: 'wasm32',
  armhf: 'arm',
  eabi: 'arm',
  gnueabihf: 'arm',
};
const added = {};
for (const [at, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${at}/node_modules/${name}`;
    const top = `node_modules/${name}`;
    if (nested in lock.packages || top in lock.packages || top in added) continue;
    const words = name.split(/[-/_]/);
    const os = systems.filter((system) => words.includes(system));
    const cpu = [...new Set(words.map((word) => processors[word]).filter(Boolean))];
    if (os.length === 0 && cpu.length === 0) continue;
    added[top] = {
      version: version.replace(/^[^0-9]*/, ''),
      ...(cpu.length > 0 ? { cpu } : {}),
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...(os.length > 0 ? { os } : {}),
    };
  }
}
const packages = Object.entries({ ...lock.packages, ...added });
packages.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
writeFileSync(
  path,
  `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`,
);
process.stdout.write(`${Object.keys(added).length} packages added\n`);
