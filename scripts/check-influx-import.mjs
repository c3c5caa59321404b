// Exports a data directory, imports it with InfluxDB's `influx -import` into a real influxd and into Tidegate, and compares
// what each answers:   node scripts/check-influx-import.mjs DATADIR [DATABASE …]
// Build first; needs influxd and influx 1.x on the PATH (or INFLUXD=… INFLUX=…).
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, startServer } from '../dist/test/support/server-process.js';

const influxd = process.env.INFLUXD ?? 'influxd';
const influx = process.env.INFLUX ?? 'influx';
const [dataDir, ...wanted] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'tidegate-import-'));
const out = join(folder, 'export.gz');
const cli = join(import.meta.dirname, '../dist/apps/cli/main.js');
execFileSync('node', [cli, 'inspect', 'export', '--datadir', dataDir, '--out', out, '--compress'], {
  stdio: 'inherit',
});

async function startInfluxdb() {
  const port = await freePort();
  const path = join(folder, 'influxdb.conf');
  mkdirSync(join(folder, 'influxdb'));
  writeFileSync(
    path,
    `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
dir = "${folder}/influxdb/meta"
[data]
dir = "${folder}/influxdb/data"
wal-dir = "${folder}/influxdb/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
`,
  );
  const child = spawn(influxd, ['run', '-config', path], { stdio: 'ignore' });
  const url = `http://127.0.0.1:${port}`;
  for (let i = 0; i < 200; i++) {
    const answer = await fetch(`${url}/ping`).catch(() => null);
    if (answer?.status === 204) break;
    await new Promise((done) => setTimeout(done, 50));
  }
  return { url, stop: () => child.kill('SIGTERM') };
}

async function ask(url, db, q) {
  const answer = await fetch(`${url}/query?${new URLSearchParams({ q, db, epoch: 'ns' })}`);
  return answer.text();
}

const influxdb = await startInfluxdb();
const tidegate = await startServer({ folder: join(folder, 'tidegate') });
let differences = 0;
try {
  for (const { url } of [influxdb, tidegate]) {
    const port = new URL(url).port;
    const flags = ['-host', '127.0.0.1', '-port', port, '-import', '-compressed', '-path', out];
    execFileSync(influx, flags, { stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const shown = JSON.parse(await ask(influxdb.url, '', 'SHOW DATABASES'));
  const names = shown.results[0].series[0].values.map(([name]) => name);
  for (const db of wanted.length > 0 ? wanted : names.filter((name) => name !== '_internal')) {
    for (const q of [
      'SHOW RETENTION POLICIES',
      'SHOW SERIES',
      'SHOW FIELD KEYS',
      'SELECT * FROM /.*/',
      'SELECT count(*) FROM /.*/',
    ]) {
      const [theirs, ours] = [await ask(influxdb.url, db, q), await ask(tidegate.url, db, q)];
      const isEqual = theirs === ours;
      if (!isEqual) differences++;
      console.log(`${isEqual ? 'equal    ' : 'different'} ${db}: ${q} (${theirs.length} bytes)`);
      if (!isEqual) console.log(`  ${theirs.slice(0, 300)}\n  ${ours.slice(0, 300)}`);
    }
  }
} finally {
  influxdb.stop();
  await tidegate.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(differences === 0 ? 0 : 1);
