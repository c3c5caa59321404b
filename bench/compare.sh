#!/usr/bin/env bash
# Tidegate beside InfluxDB 1.6.7 and VictoriaMetrics of Debian in one run: bash bench/compare.sh NAME [options of compare.mjs].
# Writes bench/results/NAME.json with commit and conditions. BENCH_TOOLS is the folder of the load generator.
set -eu
cd "$(dirname "$0")/.."
name=$1; shift
tools=$(realpath "${BENCH_TOOLS:-../shared/bench}")
out=$(mktemp)
npm run --silent build
node "$tools/compare.mjs" --targets influxd-inmem,vm,hub --json "$out" \
  --hub-cmd "bash $tools/serve.sh $PWD/dist/apps/cli/main.js {dir} {port}" "$@"
node - "$out" "bench/results/$name.json" "$*" <<'JS'
const { execSync } = require('node:child_process');
const { readFileSync, writeFileSync } = require('node:fs');
const os = require('node:os');
const [from, to, options] = process.argv.slice(2);
const conditions = {
  commit: execSync('git rev-parse --short HEAD').toString().trim(),
  command: `bash bench/compare.sh ${to.replace(/.*\/|\.json/g, '')} ${options}`,
  node: process.version,
  cores: os.cpus().length,
  processor: os.cpus()[0]?.model,
  memoryGiB: Math.round(os.totalmem() / 2 ** 30),
  peers: 'influxdb 1.6.7 and victoria-metrics of Debian 12, default durable settings, loopback',
  note: 'shared machine: compare ratios within this run, not absolute figures',
};
writeFileSync(to, `${JSON.stringify({ conditions, ...JSON.parse(readFileSync(from, 'utf8')) }, null, 1)}\n`);
JS
rm -f "$out"
echo "bench/results/$name.json"
