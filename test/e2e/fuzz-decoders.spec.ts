/** A short run of scripts/fuzz-decoders.mjs: five thousand odd pieces to every decoder. In a process of its own, whose memory is its. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

it('decoders take whatever comes', async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['scripts/fuzz-decoders.mjs', '5000', process.env['FC_SEED'] ?? String(Date.now() % 2 ** 31)],
    { env: { ...process.env, NODE_OPTIONS: '' }, maxBuffer: 2 ** 24 },
  ).catch((error: { stdout: string; stderr: string }) => ({
    stdout: `${error.stdout}\n${error.stderr}`,
  }));
  expect(stdout).toContain('no faults');
}, 240_000);
