#!/usr/bin/env bash
# Debian's Prometheus against a Tidegate of its own: one scrapes itself and an exporter with NaN, infinities and series that
# vanish, and remote-writes; another one reads all of it through remote read. Their answers to PromQL have to be equal, and
# streamed answers equal to Prometheus' own. Needs `prometheus` and a build; takes about half a minute.
set -eu
cd "$(dirname "$0")/.."
command -v prometheus >/dev/null || { echo "prometheus (Debian: prometheus) is not installed: nothing was checked"; exit 1; }
[ -f dist/apps/cli/main.js ] || { echo "there is no build: npm run build"; exit 1; }
exec node scripts/check-prometheus.mjs
