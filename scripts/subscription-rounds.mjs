// A Tidegate with a subscriber that is stopped, killed and answers 500, and equal data in the end. Build first.
//   node scripts/subscription-rounds.mjs [--points 1000000] [--stop-ms 60000] [--refuse-ms 10000] [--to influxdb [--required]]
// The subscriber is a second Tidegate, or a real InfluxDB 1.x (influxd on the PATH or INFLUXD=…).
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, query, startServer } from '../dist/test/support/server-process.js';
import { subscriptionRounds } from '../dist/test/support/subscription-rounds.js';

const { values: options } = parseArgs({
  options: {
    points: { type: 'string', default: '1000000' },
    writers: { type: 'string', default: '30' },
    'stop-ms': { type: 'string', default: '60000' },
    'refuse-ms': { type: 'string', default: '10000' },
    to: { type: 'string', default: 'tidegate' },
    required: { type: 'boolean', default: false },
  },
});
const influxd = process.env.INFLUXD ?? 'influxd';
if (options.to === 'influxdb' && spawnSync(influxd, ['version']).error !== undefined) {
  console.log('influxd is not installed: nothing to subscribe');
  process.exit(options.required ? 1 : 0);
}
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const folder = mkdtempSync(join(tmpdir(), 'tidegate-subscription-'));

async function startInfluxdb() {
  const port = await freePort();
  const home = join(folder, 'influxdb');
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'influxdb.conf'),
    `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
dir = "${home}/meta"
[data]
dir = "${home}/data"
wal-dir = "${home}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
`,
  );
  const child = spawn(influxd, ['run', '-config', join(home, 'influxdb.conf')], {
    stdio: 'ignore',
  });
  const ended = new Promise((done) => child.on('exit', done));
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    const isUp = await fetch(`${url}/ping`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isUp) break;
    if (tries > 600) throw new Error('influxd did not start');
    await sleep(50);
  }
  const end = (signal) => async () => {
    child.kill(signal);
    await ended;
  };
  return { url, stop: end('SIGTERM'), kill: end('SIGKILL') };
}

const server = await startServer({ folder: join(folder, 'a') });
await query(server.url, 'CREATE DATABASE k');
const report = await subscriptionRounds({
  url: server.url,
  startSubscriber: async () => {
    const subscriber =
      options.to === 'influxdb'
        ? await startInfluxdb()
        : await startServer({ folder: join(folder, 'b') });
    await query(subscriber.url, 'CREATE DATABASE k');
    return subscriber;
  },
  writers: Number(options.writers),
  points: Number(options.points),
  pointsPerBatch: 1000,
  stopMs: Number(options['stop-ms']),
  refuseMs: Number(options['refuse-ms']),
  log: (line) => console.log(line),
});
console.log(JSON.stringify({ subscriber: options.to, ...report }, null, 2));
await server.stop();
rmSync(folder, { recursive: true, force: true });
process.exit(report.faults.length === 0 ? 0 : 1);
