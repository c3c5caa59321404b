// Asks InfluxDB 1.x what Grafana and Chronograf ask (test/compat/grafana-requests.json) and writes its answers beside it.
//   node scripts/record-grafana.mjs      Build first; needs influxd 1.x on the PATH (or INFLUXD=…).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { askDashboard, loadDashboards, readDashboards } from '../dist/test/compat/grafana.js';
import { freePort } from '../dist/test/support/server-process.js';

const folder = mkdtempSync(join(tmpdir(), 'tidegate-grafana-'));
const port = await freePort();
const config = `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
`;
writeFileSync(join(folder, 'influxdb.conf'), config);
const influxd = spawn(
  process.env.INFLUXD ?? 'influxd',
  ['run', '-config', join(folder, 'influxdb.conf')],
  { stdio: 'ignore' },
);
const url = `http://127.0.0.1:${port}`;
try {
  for (let i = 0; i < 600; i++) {
    try {
      if ((await fetch(`${url}/ping`)).status === 204) break;
    } catch {
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  const { points, requests } = readDashboards('test/compat/grafana-requests.json');
  await loadDashboards(url, points);
  const answers = [];
  for (const request of requests) answers.push(await askDashboard(url, request));
  const text = `${JSON.stringify(answers, null, 2)}\n`;
  writeFileSync('test/compat/grafana-answers.json', text);
} finally {
  influxd.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
}
