// See check-prometheus.sh. Exits with the number of answers that differ.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prometheusBody, seriesOfStream } from '#test-support';

const folder = mkdtempSync(join(tmpdir(), 'check-prometheus-'));
const children = [];
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const freePort = () =>
  new Promise((done) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

function start(name, command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const lines = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => lines.push(text));
  children.push(child);
  child.on('exit', (code) => {
    if (!stopping && code !== 0) {
      console.log(`${name} ended with ${code}\n${lines.join('').slice(-3000)}`);
      stop(1);
    }
  });
  return lines;
}

let stopping = false;
async function stop(code) {
  if (stopping) return;
  stopping = true;
  for (const child of children) {
    if (child.exitCode !== null) continue;
    const ended = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(code);
}

async function until(what, ask) {
  for (let i = 0; i < 300; i++) {
    if (await ask().catch(() => false)) return;
    await sleep(100);
  }
  console.log(`FAIL ${what} does not come up`);
  await stop(1);
}
const isOk = async (url) => (await fetch(url)).ok;

// No -0: Prometheus' sender leaves it out as the default value 0.
// An exporter: a counter, values that are no finite numbers, a series that comes and goes, odd labels.
let scrapes = 0;
const exporter = http.createServer((_request, response) => {
  scrapes++;
  const isThere = Math.floor(scrapes / 4) % 2 === 0;
  response.end(
    [
      `check_total{code="200",path="/a b,c=d"} ${scrapes * 7}`,
      `check_total{code="500",path="k\\u00fcche"} ${scrapes}`.replace('\\u00fc', 'ü'),
      `check_quote{text="back\\\\slash \\"quote\\" new\\nline"} 1e21`,
      'check_nan NaN',
      'check_inf{sign="+"} +Inf',
      'check_inf{sign="-"} -Inf',
      `check_gauge ${Math.sin(scrapes) * 1e-3}`,
      ...(isThere ? [`check_vanishes{n="1"} ${scrapes}`] : []),
      '',
    ].join('\n'),
  );
});
await new Promise((done) => exporter.listen(0, '127.0.0.1', done));

const [port, rpcPort, writerPort, readerPort] = await Promise.all([1, 2, 3, 4].map(freePort));
const url = `http://127.0.0.1:${port}`;
writeFileSync(
  join(folder, 'tidegate.toml'),
  `bind-address = "127.0.0.1:${rpcPort}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
[prometheus]
lossless = true
`,
);
start('tidegate', process.execPath, [
  'dist/apps/cli/main.js',
  'run',
  '-config',
  join(folder, 'tidegate.toml'),
]);
await until('tidegate', () => isOk(`${url}/ready`));
await fetch(`${url}/query?q=${encodeURIComponent('CREATE DATABASE prom')}`, { method: 'POST' });

function startPrometheus(name, listenPort, config) {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, `${name}.yml`), config);
  start(name, 'prometheus', [
    `--config.file=${folder}/${name}.yml`,
    `--storage.tsdb.path=${folder}/${name}`,
    `--web.listen-address=127.0.0.1:${listenPort}`,
  ]);
  return until(name, () => isOk(`http://127.0.0.1:${listenPort}/-/ready`));
}
await startPrometheus(
  'writer',
  writerPort,
  `global: { scrape_interval: 1s, scrape_timeout: 900ms }
scrape_configs:
- job_name: check
  static_configs: [{ targets: ['127.0.0.1:${exporter.address().port}'] }]
- job_name: prometheus
  static_configs: [{ targets: ['127.0.0.1:${writerPort}'] }]
remote_write:
- url: ${url}/api/v1/prom/write?db=prom
  queue_config: { batch_send_deadline: 500ms }
`,
);
await startPrometheus(
  'reader',
  readerPort,
  `remote_read:
- url: ${url}/api/v1/prom/read?db=prom
  read_recent: true
`,
);

await sleep(15_000);
// Asked of the past: what was scraped then has been written since.
const end = Math.floor(Date.now() / 1000);
await sleep(3000);

const instant = [
  'check_total',
  'check_total{code!="200"}',
  'check_total{code=~"2..|x"}',
  'check_total{code!~"2.."}',
  'check_total{path="/a b,c=d"}',
  'check_total{path=~"k.+"}',
  'check_quote',
  '{__name__=~"check_(gauge|nan|inf)"}',
  '{__name__!~"check_.*",job="check"}',
  'check_nan',
  'check_inf',
  'check_vanishes',
  'check_vanishes offset 4s',
  'up',
  'up{job=~".+"}',
  'check_total{nosuch=""}',
  'check_total{nosuch!=""}',
  'rate(check_total[5s])',
  'sum by (code) (increase(check_total[6s]))',
  'max_over_time(check_gauge[8s])',
  'count_over_time(check_vanishes[12s])',
  'histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[8s]))',
  'topk(3, go_gc_duration_seconds)',
  'absent(check_nothing)',
  'count by (job) ({__name__=~".+"})',
  'label_replace(check_total, "x", "$1", "code", "(.).*")',
  'changes(check_gauge[10s])',
];
const ranged = [
  'check_vanishes',
  'check_nan',
  'check_gauge',
  'rate(check_total[4s])',
  'sum(rate(prometheus_http_requests_total[5s]))',
  'resets(check_vanishes[6s])',
];

let failures = 0;
const tell = (isRight, what, detail) => {
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${what}${isRight ? '' : `\n${detail()}`}`);
  if (!isRight) failures++;
};
async function ask(promPort, path, query) {
  const answer = await fetch(
    `http://127.0.0.1:${promPort}/api/v1/${path}${encodeURIComponent(query)}`,
  );
  const { data, error } = await answer.json();
  if (data === undefined) return `error: ${error}`;
  const rows = Array.isArray(data.result) ? data.result.map((row) => JSON.stringify(row)) : data;
  // Sums of floats depend on the order of series, which nobody promises.
  return Array.isArray(rows) ? rows.sort() : rows;
}
function isNear(a, b) {
  if (JSON.stringify(a) === JSON.stringify(b)) return true;
  const cut = (rows) =>
    JSON.stringify(rows).replace(/\d+\.\d{6,}/g, (text) => Number(text).toPrecision(12));
  return cut(a) === cut(b);
}
async function compare(kind, path, query) {
  const [local, remote] = await Promise.all([
    ask(writerPort, path, query),
    ask(readerPort, path, query),
  ]);
  const isRight = Array.isArray(local) && isNear(local, remote);
  tell(isRight, `${kind} ${query} (${local.length})`, () => `local:  ${local}\nremote: ${remote}`);
}
for (const query of instant) await compare('instant', `query?time=${end}&query=`, query);
for (const query of ranged)
  await compare('range  ', `query_range?start=${end - 14}&end=${end}&step=1&query=`, query);

// The same request for streamed chunks, of Prometheus' own storage and of ours.
const body = prometheusBody('ReadRequest', {
  queries: [
    {
      start_timestamp_ms: (end - 14) * 1000,
      end_timestamp_ms: end * 1000,
      matchers: [{ type: 2, name: '__name__', value: 'check_.*|go_.*' }],
    },
  ],
  accepted_response_types: [1],
});
async function stream(address) {
  const answer = await fetch(address, { method: 'POST', body });
  const type = answer.headers.get('content-type');
  if (!answer.ok || !type.startsWith('application/x-streamed-protobuf'))
    return [`${answer.status} ${type} ${await answer.text()}`];
  const series = seriesOfStream(new Uint8Array(await answer.arrayBuffer()));
  const inRange = ([ms]) => ms >= (end - 14) * 1000 && ms <= end * 1000;
  return series
    .map(({ labels, samples }) => JSON.stringify([labels, samples.filter(inRange)]))
    .filter((text) => !text.endsWith(',[]]'))
    .sort();
}
const own = await stream(`http://127.0.0.1:${writerPort}/api/v1/read`);
const ours = await stream(`${url}/api/v1/prom/read?db=prom`);
tell(
  own.length > 20 && JSON.stringify(own) === JSON.stringify(ours),
  `streamed chunks (${own.length} series)`,
  () => {
    const at = own.findIndex((text, i) => text !== ours[i]);
    return `${own.length} and ${ours.length} series; first difference\nPrometheus: ${own[at]}\nTidegate:   ${ours[at]}`;
  },
);

const vars = await (await fetch(`${url}/debug/vars`)).json();
const { values } = Object.values(vars).find(({ name }) => name === 'prometheus');
tell(
  values.writeReqFail === 0 && values.pointsTx === values.pointsRx && values.readReqFail === 0,
  `${values.pointsTx} samples of ${values.pointsRx} stored, ${values.writeReq} writes, ${values.readReq} reads`,
  () => JSON.stringify(values),
);
exporter.close();
await stop(Math.min(failures, 100));
