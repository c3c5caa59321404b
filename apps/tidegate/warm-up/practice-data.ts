/** What is practised: made-up points of a few hosts, and statements as dashboards ask them. */

/** The database of the practice. */
export const PRACTICE_DATABASE = 'practice';

/** Of each kind, so that series, columns and blocks are as plentiful as loops need to become hot. */
const HOSTS = 8;
const FIELDS = 10;
const ROWS_PER_HOST = 720;
const STEP_NS = 10_000_000_000n;
/** 2000-01-03, so that both weeks of the points have a shard group of their own. */
const START_NS = 946_857_600_000_000_000n;
/** Lines of a small body. */
const SMALL_LINES = 10;
/** Bodies of that size; the rest comes in one. */
const SMALL_BODIES = 60;

/** Bodies of line protocol, each with points of its own; the second half goes into another week. */
export function practiceBodies(part: 0 | 1): readonly Uint8Array[] {
  const week = BigInt(part) * 7n * 86_400_000_000_000n;
  const lines: string[] = [];
  for (let row = 0; row < ROWS_PER_HOST; row++) {
    const timeNs = START_NS + week + BigInt(row) * STEP_NS;
    for (let host = 0; host < HOSTS; host++) {
      const fields = Array.from({ length: FIELDS }, (_, f) => {
        const value = (row * (f + 3) + host * 17) % 100;
        return f % 2 === 0 ? `f${f}=${value}i` : `f${f}=${value / 8}`;
      });
      const tags = `host=host_${host},os=os_${host % 3},region=region_${host % 2}`;
      lines.push(`cpu,${tags} ${fields.join(',')} ${timeNs}`);
    }
  }
  const bodies: string[] = [];
  for (let i = 0; i < SMALL_BODIES; i++)
    bodies.push(lines.slice(i * SMALL_LINES, (i + 1) * SMALL_LINES).join('\n'));
  bodies.push(lines.slice(SMALL_BODIES * SMALL_LINES).join('\n'));
  const encoder = new TextEncoder();
  return bodies.map((body) => encoder.encode(body));
}

const [FROM, UNTIL] = [`'2000-01-03T00:00:00Z'`, `'2000-01-03T01:30:00Z'`];
const TIMES = `time >= ${FROM} AND time < ${UNTIL}`;
const EVERY = Array.from({ length: FIELDS }, (_, f) => `f${f}`);

/** Statements that end within the main thread. */
export const PRACTICE_STATEMENTS: readonly string[] = [
  `SELECT max(f0) FROM cpu WHERE host = 'host_1' AND ${TIMES} GROUP BY time(1m)`,
  `SELECT max(f0), max(f1), max(f2) FROM cpu WHERE (host = 'host_1' OR host = 'host_4') AND ${TIMES} GROUP BY time(1m)`,
  `SELECT mean(f1) FROM cpu WHERE host =~ /^host_[123]$/ AND ${TIMES} GROUP BY time(10m), host fill(null)`,
  `SELECT ${EVERY.map((field) => `max(${field})`).join(', ')} FROM cpu WHERE host = 'host_2' AND ${TIMES} GROUP BY time(1h)`,
  `SELECT * FROM cpu WHERE f0 > 90 AND host = 'host_3' AND ${TIMES}`,
  `SELECT f0, f1 FROM cpu WHERE host = 'host_5' AND ${TIMES} LIMIT 100`,
  `SELECT last(f0), host FROM cpu WHERE region = 'region_1'`,
  `SELECT * FROM cpu GROUP BY host ORDER BY time DESC LIMIT 1`,
  `SELECT max(f0) FROM cpu WHERE time < ${UNTIL} GROUP BY time(1m) LIMIT 5`,
  `SELECT non_negative_derivative(mean(f1), 1s) FROM cpu WHERE ${TIMES} GROUP BY time(5m) fill(previous)`,
  `SELECT count(f0), sum(f1), percentile(f2, 95) FROM cpu WHERE ${TIMES} GROUP BY time(30m), os`,
  `SHOW TAG VALUES FROM cpu WITH KEY = host`,
  `SHOW FIELD KEYS FROM cpu`,
];

/** SELECTs that are practised in the query threads. */
export const PRACTICE_SELECTS: readonly string[] = [
  `SELECT mean(f0), mean(f1) FROM cpu WHERE ${TIMES} GROUP BY time(1h), host`,
  `SELECT * FROM cpu WHERE f0 > 90 AND ${TIMES}`,
];
