// `npm test`: install, build (workers are loaded from the build), then Jest; arguments go to Jest.
import { join } from 'node:path';
import { build, install, run } from './setup.mjs';

install();
build();
run(process.execPath, [
  '--experimental-vm-modules',
  '--no-warnings',
  join('node_modules', 'jest', 'bin', 'jest.js'),
  ...process.argv.slice(2),
]);
