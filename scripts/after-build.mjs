// Finishes a build: the command line's entry is executable, as npm's `bin` expects.
import { chmodSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const entry = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist', 'apps', 'cli', 'main.js');
if (existsSync(entry)) chmodSync(entry, 0o755);
