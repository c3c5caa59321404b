// `npm run check`: format, lint, types, layers, dead code, then the unit tests (tidy among them).
import { spawnSync } from 'node:child_process';
import { install, root } from './setup.mjs';

install();
const steps = ['check:format', 'check:lint', 'check:types', 'check:layers', 'check:unused'];
const failed = steps.filter((step) => {
  const done = spawnSync('npm', ['run', '--silent', step], { cwd: root, stdio: 'inherit' });
  process.stdout.write(`${done.status === 0 ? 'ok    ' : 'FAILED'} ${step}\n`);
  return done.status !== 0;
});
if (!process.argv.includes('--no-tests')) {
  const done = spawnSync(process.execPath, ['scripts/test.mjs', '--selectProjects', 'unit'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (done.status !== 0) failed.push('unit tests');
}
if (failed.length > 0) {
  process.stderr.write(`check failed: ${failed.join(', ')}\n`);
  process.exit(1);
}
