// `npm start`: install, build, and run Tidegate on its development configuration (data under ./data).
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { build, install, root } from './setup.mjs';

install();
build();
const server = spawn(
  process.execPath,
  [
    join('dist', 'apps', 'cli', 'main.js'),
    'run',
    '-config',
    join('config', 'tidegate.dev.toml'),
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);
// A terminal sends SIGINT to the server as well: passed on, it would be the second one, which means at once.
process.on('SIGINT', () => undefined);
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill(signal));
server.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
