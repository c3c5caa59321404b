// Start-up over many series: fills Tidegate and InfluxDB with the same series, ends them in an orderly way, starts them again and
// asks. The time runs from the start of the process to the end of the first full answer.
//   node bench/start-up.mjs [--series 1000000] [--only tidegate] [--rounds 3] [--folder DIR] [--port 18720] [--save NAME]
// Build first. Takes four ports from --port on.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  cpuSeconds,
  diskBytes,
  memoryMiB,
  query,
  saveResults,
  settle,
  startPeer,
  writeAll,
} from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    series: { type: 'string', default: '1000000' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    folder: { type: 'string' },
    port: { type: 'string', default: '18720' },
    save: { type: 'string' },
  },
});
const seriesCount = Number(options.series);
const names = options.only === undefined ? ['influxdb', 'tidegate'] : [options.only];
const ports = { influxdb: Number(options.port), tidegate: Number(options.port) + 2 };
const root = options.folder ?? mkdtempSync(join(tmpdir(), 'tidegate-start-up-'));

/** Bodies of 5000 points, one a series: 1000 devices a host, so that no tag has too many values. */
function* bodies(second) {
  for (let from = 0; from < seriesCount; from += 5000) {
    const lines = [];
    for (let i = from; i < Math.min(from + 5000, seriesCount); i++) {
      const value = ((i * 7919 + second * 104729) % 100_000) / 1000;
      lines.push(
        `hc,device=d${i % 1000},host=h${Math.floor(i / 1000)} value=${value} ${1451606400 + second}000000000`,
      );
    }
    yield lines.join('\n');
  }
}

const QUESTIONS = [
  ['count', 'SELECT count(value) FROM hc'],
  ['countAgain', 'SELECT count(value) FROM hc'],
  ['seriesCardinality', 'SHOW SERIES EXACT CARDINALITY'],
  ['tagValuesCardinality', 'SHOW TAG VALUES EXACT CARDINALITY WITH KEY = device'],
  ['tagValues', 'SHOW TAG VALUES WITH KEY = host'],
  ['regexSelect', 'SELECT count(value) FROM hc WHERE host =~ /^h1[0-9]$/'],
  ['showSeriesLimited', 'SHOW SERIES LIMIT 10'],
  ['equalSelect', "SELECT value FROM hc WHERE host = 'h77' AND device = 'd7'"],
];

async function fill(name) {
  const folder = join(root, name);
  if (existsSync(join(folder, 'data'))) return;
  const peer = await startPeer(name, { folder, port: ports[name] });
  await query(peer, 'CREATE DATABASE bench');
  for (const second of [0, 10]) await writeAll(peer, bodies(second));
  await settle(peer.pid);
  console.log(name, 'filled', { cpu: cpuSeconds(peer.pid), memory: memoryMiB(peer.pid) });
  await peer.stop();
  // InfluxDB leaves its cache in the log; another start with short times makes it write files.
  const data = 'cache-snapshot-write-cold-duration = "1s"\ncompact-full-write-cold-duration = "1s"';
  const again = await startPeer(name, { folder, port: ports[name], data });
  await settle(again.pid, 5000);
  await again.stop();
}

async function measure(name) {
  const folder = join(root, name);
  const peer = await startPeer(name, { folder, port: ports[name] });
  const row = { name, readyMs: Math.round(peer.readyMs), readyCpu: cpuSeconds(peer.pid) };
  row.readyMiB = memoryMiB(peer.pid).now;
  for (const [label, q] of QUESTIONS) {
    const { results, ms } = await query(peer, q);
    row[`${label}Ms`] = Math.round(ms * 10) / 10;
    if (label === 'count') {
      row.firstAnswerMs = Math.round(peer.readyMs + ms);
      row.firstAnswerCpu = cpuSeconds(peer.pid);
      row.firstAnswerMiB = memoryMiB(peer.pid).now;
      row.firstAnswerPeakMiB = memoryMiB(peer.pid).peak;
      const found = results[0].series[0].values[0][1];
      if (found !== 2 * seriesCount) throw new TypeError(`${name} counts ${found}`);
    }
    if (label === 'seriesCardinality') row.series = results[0].series[0].values[0][0];
  }
  row.peakMiB = memoryMiB(peer.pid).peak;
  await peer.stop();
  return row;
}

const rows = [];
for (const name of names) await fill(name);
for (let round = 0; round < Number(options.rounds); round++) {
  for (const name of round % 2 === 0 ? names : [...names].reverse()) {
    const row = await measure(name);
    rows.push(row);
    console.log(JSON.stringify(row));
  }
}
const disk = Object.fromEntries(
  names.map((name) => [name, diskBytes(join(root, name, 'data'), /\.tsm$/)]),
);
console.log({ seriesCount, disk });
if (options.save !== undefined) {
  saveResults(
    options.save,
    `node bench/start-up.mjs --series ${seriesCount} --rounds ${options.rounds}`,
    {
      seriesCount,
      diskBytes: disk,
      rows,
    },
  );
}
if (options.folder === undefined) rmSync(root, { recursive: true, force: true });
