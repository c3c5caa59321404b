// collectd's packets, from captures of the real sender, to InfluxDB 1.x and Tidegate in one run:
//   node bench/collectd.mjs [--values 2000000] [--stream tg.pkts] [--rounds 3] [--port 18795] [--out bench/results/collectd.json]
// Packets are sent again and again with later times, so that every value is a new point. Reports server CPU seconds per million values
// stored; what the kernel drops is not stored. Build first.
import { execSync } from 'node:child_process';
import dgram from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { cpuSeconds, memoryMiB, query, settle, sleep, startPeer } from './peers.mjs';

const { values: options } = parseArgs({
  options: {
    values: { type: 'string', default: '2000000' },
    stream: { type: 'string', default: 'plain.pkts' },
    rounds: { type: 'string', default: '3' },
    port: { type: 'string', default: '18795' },
    level: { type: 'string', default: 'none' },
    out: { type: 'string' },
  },
});
const captures = resolve('test/fixtures/captures/collectd');
const port = Number(options.port);
const VALUES = 6;
const TIME_HR = 8;
const ABSOLUTE = 3;
/** Packets sent between two pauses, and the pause: less than the socket's buffer holds. */
const BURST = 16;
const PAUSE_MS = 2;

/** Parts of a packet: type, payload's place. */
function* parts(packet) {
  for (let at = 0; at + 4 <= packet.length; at += packet.readUInt16BE(at + 2)) {
    yield { type: packet.readUInt16BE(at), at: at + 4 };
  }
}

/** Packets of a stream that InfluxDB takes too: plain ones, without the kind ABSOLUTE. */
function packetsOf(stream) {
  const bytes = readFileSync(join(captures, stream));
  const packets = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    const packet = bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at));
    let values = 0;
    const times = [];
    let isTaken = true;
    for (const part of parts(packet)) {
      if (part.type === TIME_HR) times.push(part.at);
      if (part.type !== VALUES) continue;
      const count = packet.readUInt16BE(part.at);
      values += count;
      for (let i = 0; i < count; i++) if (packet[part.at + 2 + i] === ABSOLUTE) isTaken = false;
    }
    if (isTaken && values > 0) packets.push({ packet: Buffer.from(packet), times, values });
  }
  return packets;
}

async function send(packets, valuesMax) {
  const socket = dgram.createSocket('udp4');
  socket.connect(port + 2, '127.0.0.1');
  await new Promise((done) => socket.once('connect', done));
  let sent = 0;
  let count = 0;
  while (sent < valuesMax) {
    for (const { packet, times, values } of packets) {
      // 16 s later, in units of 2^-30 s.
      for (const at of times) packet.writeUInt32BE(packet.readUInt32BE(at) + 4, at);
      socket.send(packet);
      sent += values;
      if (++count % BURST === 0) await sleep(PAUSE_MS);
    }
  }
  await new Promise((done) => socket.send(Buffer.alloc(0), done));
  socket.close();
  return { sent, packets: count };
}

async function measure(name) {
  const folder = mkdtempSync(join(os.tmpdir(), 'collectd-bench-'));
  const data = `[[collectd]]
enabled = true
bind-address = "127.0.0.1:${port + 2}"
database = "bench"
typesdb = "${captures}/types.db"
auth-file = "${captures}/auth_file"
security-level = "${options.level}"
read-buffer = 212992`;
  const peer = await startPeer(name, { folder, port, data });
  const before = cpuSeconds(peer.pid);
  const startedMs = performance.now();
  const load = await send(packetsOf(options.stream), Number(options.values));
  const tookMs = performance.now() - startedMs;
  // The last batch is written after batch-timeout, 10 s.
  await sleep(11_000);
  const cpu = (await settle(peer.pid, 1000)) - before;
  const { results } = await query(peer, "SHOW STATS FOR 'collectd'");
  const { columns, values } = results[0].series[0];
  const counters = Object.fromEntries(columns.map((column, i) => [column, values[0][i]]));
  const memory = memoryMiB(peer.pid).peak;
  await peer.stop();
  rmSync(folder, { recursive: true, force: true });
  const stored = counters.pointsTx;
  const row = {
    name,
    cpuPerMillion: Number(((cpu / stored) * 1e6).toFixed(3)),
    stored,
    sent: load.sent,
    packets: load.packets,
    valuesPerSecond: Math.round((load.sent / tookMs) * 1000),
    peakMiB: memory,
  };
  console.log(JSON.stringify(row));
  return row;
}

const rows = [];
for (let round = 0; round < Number(options.rounds); round++) {
  for (const name of round % 2 === 0 ? ['influxdb', 'tidegate'] : ['tidegate', 'influxdb']) {
    rows.push(await measure(name));
  }
}
const median = (name) => {
  const figures = rows.filter((row) => row.name === name).map((row) => row.cpuPerMillion);
  return figures.sort((a, b) => a - b)[figures.length >> 1];
};
const ratio = Number((median('influxdb') / median('tidegate')).toFixed(2));
console.log(
  `CPU seconds per million values: InfluxDB ${median('influxdb')}, Tidegate ${median('tidegate')}, ratio ${ratio}`,
);
if (options.out !== undefined) {
  const conditions = {
    commit: execSync('git rev-parse --short HEAD').toString().trim(),
    command: `node bench/collectd.mjs ${process.argv.slice(2).join(' ')}`,
    node: process.version,
    cores: os.cpus().length,
    processor: os.cpus()[0]?.model,
    note: 'shared machine: compare ratios within this run, not absolute figures',
  };
  const report = {
    conditions,
    influxdb: median('influxdb'),
    tidegate: median('tidegate'),
    ratio,
    rows,
  };
  writeFileSync(options.out, `${JSON.stringify(report, null, 1)}\n`);
}
process.exit(0);
