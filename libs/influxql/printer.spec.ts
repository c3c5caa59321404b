/**
 * Normal texts of statements, as InfluxDB 1.6.7 showed them.
 * Upstream shows a SELECT after filling in database and policy.
 */
import { parseStatement, printStatement, qualifyStatement } from './index.js';

const CASES: readonly (readonly [query: string, text: string])[] = [
  ['SELECT f INTO t.autogen.x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT "f" INTO t.autogen.x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT "a b" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a b" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "select" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "select" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "SeLect" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "SeLect" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "1a" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "1a" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a-b" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a-b" INTO t.autogen.x FROM t.autogen.m',
  ],
  ['SELECT "é" INTO t.autogen.x FROM t.autogen.m', 'SELECT "é" INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT a.b INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a.b" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a"."b" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a.b" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT a::float INTO t.autogen.x FROM t.autogen.m',
    'SELECT a::float INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT a::tag INTO t.autogen.x FROM t.autogen.m',
    'SELECT a::tag INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT a::field INTO t.autogen.x FROM t.autogen.m',
    'SELECT a::field INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a b"::integer INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a b"::integer INTO t.autogen.x FROM t.autogen.m',
  ],
  ['SELECT +f INTO t.autogen.x FROM t.autogen.m', 'SELECT 1 * f INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT -f INTO t.autogen.x FROM t.autogen.m',
    'SELECT -1 * f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT -(f+1) INTO t.autogen.x FROM t.autogen.m',
    'SELECT -1 * (f + 1) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT - 5 + f INTO t.autogen.x FROM t.autogen.m',
    'SELECT -5 + f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT -9223372036854775808+f INTO t.autogen.x FROM t.autogen.m',
    'SELECT -9223372036854775808 + f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT 9223372036854775808 + f INTO t.autogen.x FROM t.autogen.m',
    'SELECT 9223372036854775808 + f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT 1.5+f INTO t.autogen.x FROM t.autogen.m',
    'SELECT 1.500 + f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT 1.0*f INTO t.autogen.x FROM t.autogen.m',
    'SELECT 1.000 * f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT 100000000000000000000.0*f INTO t.autogen.x FROM t.autogen.m',
    'SELECT 100000000000000000000.000 * f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT 0.000001*f INTO t.autogen.x FROM t.autogen.m',
    'SELECT 0.000 * f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT 0.0000001*f INTO t.autogen.x FROM t.autogen.m',
    'SELECT 0.000 * f INTO t.autogen.x FROM t.autogen.m',
  ],
  ['SELECT (f) INTO t.autogen.x FROM t.autogen.m', 'SELECT (f) INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT f+1*2 INTO t.autogen.x FROM t.autogen.m',
    'SELECT f + 1 * 2 INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT f & 1 | 2 ^ 3 % 4 INTO t.autogen.x FROM t.autogen.m',
    'SELECT f & 1 | 2 ^ 3 % 4 INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT f AS x INTO t.autogen.x FROM t.autogen.m',
    'SELECT f AS x INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT f AS "x y" INTO t.autogen.x FROM t.autogen.m',
    'SELECT f AS "x y" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT f AS "from" INTO t.autogen.x FROM t.autogen.m',
    'SELECT f AS "from" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT MEAN(f) INTO t.autogen.x FROM t.autogen.m',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT mean(*) INTO t.autogen.x FROM t.autogen.m',
    'SELECT mean(*) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT mean(/a\\/b/) INTO t.autogen.x FROM t.autogen.m',
    'SELECT mean(/a\\/b/) INTO t.autogen.x FROM t.autogen.m',
  ],
  ['SELECT * INTO t.autogen.x FROM t.autogen.m', 'SELECT * INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT *::field INTO t.autogen.x FROM t.autogen.m',
    'SELECT *::field INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT *::tag INTO t.autogen.x FROM t.autogen.m',
    'SELECT *::tag INTO t.autogen.x FROM t.autogen.m',
  ],
  ['SELECT /x/ INTO t.autogen.x FROM t.autogen.m', 'SELECT /x/ INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT count(distinct f) INTO t.autogen.x FROM t.autogen.m',
    'SELECT count(DISTINCT f) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT count(distinct(f)) INTO t.autogen.x FROM t.autogen.m',
    'SELECT count(distinct(f)) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT distinct f INTO t.autogen.x FROM t.autogen.m',
    'SELECT DISTINCT f INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT distinct(f) INTO t.autogen.x FROM t.autogen.m',
    'SELECT distinct(f) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT DISTINCT f AS x INTO t.autogen.x FROM t.autogen.m',
    'SELECT DISTINCT f AS x INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT percentile(f, 5.0) INTO t.autogen.x FROM t.autogen.m',
    'SELECT percentile(f, 5.000) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT derivative(f, 10s) INTO t.autogen.x FROM t.autogen.m',
    'SELECT derivative(f, 10s) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT top(f, "a", 2) INTO t.autogen.x FROM t.autogen.m',
    'SELECT top(f, a, 2) INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a\'b" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a\'b" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a\\"b" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a\\"b" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a\\\\b" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a\\\\b" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT "a\\nb" INTO t.autogen.x FROM t.autogen.m',
    'SELECT "a\\nb" INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT f+18446744073709551615 INTO t.autogen.x FROM t.autogen.m',
    'SELECT f + 18446744073709551615 INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT f%2 INTO t.autogen.x FROM t.autogen.m',
    'SELECT f % 2 INTO t.autogen.x FROM t.autogen.m',
  ],
  [
    'SELECT -f*2 INTO t.autogen.x FROM t.autogen.m',
    'SELECT -1 * f * 2 INTO t.autogen.x FROM t.autogen.m',
  ],
  ['SELECT f INTO t.autogen.x FROM m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM "m"', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM "a b"', 'SELECT f INTO t.autogen.x FROM t.autogen."a b"'],
  ['SELECT f INTO t.autogen.x FROM t..m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM "t".."m"', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM /x/', 'SELECT f INTO t.autogen.x FROM t.autogen./x/'],
  ['SELECT f INTO t.autogen.x FROM t../x/', 'SELECT f INTO t.autogen.x FROM t.autogen./x/'],
  ['SELECT f INTO t.autogen.x FROM t.autogen./x/', 'SELECT f INTO t.autogen.x FROM t.autogen./x/'],
  ['SELECT f INTO t.autogen.x FROM autogen./x/', 'SELECT f INTO t.autogen.x FROM t.autogen./x/'],
  [
    'SELECT f INTO t.autogen.x FROM m, n',
    'SELECT f INTO t.autogen.x FROM t.autogen.m, t.autogen.n',
  ],
  [
    'SELECT f INTO t.autogen.x FROM (SELECT f FROM m)',
    'SELECT f INTO t.autogen.x FROM (SELECT f FROM t.autogen.m)',
  ],
  [
    'SELECT f INTO t.autogen.x FROM (SELECT f FROM m) , n',
    'SELECT f INTO t.autogen.x FROM (SELECT f FROM t.autogen.m), t.autogen.n',
  ],
  [
    'SELECT f INTO t.autogen.x FROM (SELECT f FROM m WHERE a = 1 LIMIT 1)',
    'SELECT f INTO t.autogen.x FROM (SELECT f FROM t.autogen.m WHERE a = 1 LIMIT 1)',
  ],
  [
    "SELECT f INTO t.autogen.x FROM m WHERE a = 'x' OR b =~ /y/ AND (c <> 3)",
    "SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a = 'x' OR b =~ /y/ AND (c != 3)",
  ],
  [
    "SELECT f INTO t.autogen.x FROM m WHERE time > '2020-01-01' AND time<now()-1h",
    "SELECT f INTO t.autogen.x FROM t.autogen.m WHERE time > '2020-01-01' AND time < now() - 1h",
  ],
  [
    'SELECT f INTO t.autogen.x FROM m WHERE time >= 5',
    'SELECT f INTO t.autogen.x FROM t.autogen.m WHERE time >= 5',
  ],
  [
    "SELECT f INTO t.autogen.x FROM m WHERE a = 'x\\'y\\\\z\\n'",
    "SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a = 'x\\'y\\\\z\\n'",
  ],
  [
    'SELECT f INTO t.autogen.x FROM m fill(0)',
    'SELECT f INTO t.autogen.x FROM t.autogen.m fill(0)',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m ORDER BY time',
    'SELECT f INTO t.autogen.x FROM t.autogen.m ORDER BY time ASC',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m ORDER BY time ASC',
    'SELECT f INTO t.autogen.x FROM t.autogen.m ORDER BY time ASC',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m ORDER BY time DESC',
    'SELECT f INTO t.autogen.x FROM t.autogen.m ORDER BY time DESC',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m ORDER BY DESC',
    'SELECT f INTO t.autogen.x FROM t.autogen.m ORDER BY DESC',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m LIMIT 5 OFFSET 3 SLIMIT 2 SOFFSET 1',
    'SELECT f INTO t.autogen.x FROM t.autogen.m LIMIT 5 OFFSET 3 SLIMIT 2 SOFFSET 1',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m OFFSET 3',
    'SELECT f INTO t.autogen.x FROM t.autogen.m OFFSET 3',
  ],
  ['SELECT f INTO t.autogen.x FROM m LIMIT 0', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  [
    "SELECT f INTO t.autogen.x FROM m tz('Europe/Berlin')",
    "SELECT f INTO t.autogen.x FROM t.autogen.m TZ('Europe/Berlin')",
  ],
  [
    'SELECT f INTO t.autogen.x FROM m WHERE a != 1 and b !~ /x\\/y/',
    'SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a != 1 AND b !~ /x\\/y/',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m WHERE a = true',
    'SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a = true',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m WHERE a = "b c"',
    'SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a = "b c"',
  ],
  [
    "SELECT f INTO t.autogen.x FROM m WHERE a::tag = 'x'",
    "SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a::tag = 'x'",
  ],
  [
    'SELECT f INTO t.autogen.x FROM m WHERE a = -5',
    'SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a = -5',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m WHERE a=1h',
    'SELECT f INTO t.autogen.x FROM t.autogen.m WHERE a = 1h',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m GROUP BY a.b',
    'SELECT f INTO t.autogen.x FROM t.autogen.m GROUP BY "a.b"',
  ],
  [
    'SELECT f INTO t.autogen.x FROM m GROUP BY a::tag',
    'SELECT f INTO t.autogen.x FROM t.autogen.m GROUP BY a::tag',
  ],
  ['SELECT f INTO x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO "x y" FROM t.autogen.m', 'SELECT f INTO t.autogen."x y" FROM t.autogen.m'],
  ['SELECT f INTO t.autogen.x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO t..x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  ['SELECT f INTO autogen.x FROM t.autogen.m', 'SELECT f INTO t.autogen.x FROM t.autogen.m'],
  [
    'SELECT f INTO t.autogen.:MEASUREMENT FROM t.autogen.m',
    'SELECT f INTO t.autogen.:MEASUREMENT FROM t.autogen.m',
  ],
  [
    'SELECT f INTO t..:MEASUREMENT FROM t.autogen.m',
    'SELECT f INTO t.autogen.:MEASUREMENT FROM t.autogen.m',
  ],
  [
    'create database "a b" with duration 7d replication 1 shard duration 1h name "x y"',
    'CREATE DATABASE "a b" WITH DURATION 168h0m0s REPLICATION 1 SHARD DURATION 1h0m0s NAME "x y"',
  ],
  ['create database x with name y', 'CREATE DATABASE x WITH NAME y'],
  [
    'create retention policy "a b" on t duration inf replication 1 shard duration 1h default',
    'CREATE RETENTION POLICY "a b" ON t DURATION 0s REPLICATION 1 SHARD DURATION 1h DEFAULT',
  ],
  [
    'create retention policy x on t duration 90m replication 1',
    'CREATE RETENTION POLICY x ON t DURATION 90m REPLICATION 1',
  ],
  [
    'alter retention policy x on t shard duration 1d replication 2 default duration 8d',
    'ALTER RETENTION POLICY x ON t DURATION 8d REPLICATION 2 SHARD DURATION 1d DEFAULT',
  ],
  ['alter retention policy x on t duration inf', 'ALTER RETENTION POLICY x ON t DURATION 0s'],
  ['alter retention policy x on t duration 0s', 'ALTER RETENTION POLICY x ON t DURATION 0s'],
  ['drop retention policy "a b" on "c d"', 'DROP RETENTION POLICY "a b" ON "c d"'],
  [
    'create user "a b" with password \'x\' with all privileges',
    'CREATE USER "a b" WITH PASSWORD [REDACTED] WITH ALL PRIVILEGES',
  ],
  ['drop user "a b"', 'DROP USER "a b"'],
  ['drop measurement "a b"', 'DROP MEASUREMENT "a b"'],
  ['drop series where x=1', 'DROP SERIES WHERE x = 1'],
  ['drop shard 99', 'DROP SHARD 99'],
  ['drop continuous query "a b" on t', 'DROP CONTINUOUS QUERY "a b" ON t'],
  ['drop database "a b"', 'DROP DATABASE "a b"'],
  [
    'create continuous query "c q" on t resample every 1m for 2h begin select mean(f) into x from m group by time(1h) end',
    'CREATE CONTINUOUS QUERY "c q" ON t RESAMPLE EVERY 1m FOR 2h BEGIN SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1h) END',
  ],
  [
    "create continuous query c on t resample for 2h begin select mean(f) into x.y.z from m where a=1 group by time(1h),* fill(none) tz('UTC') end",
    "CREATE CONTINUOUS QUERY c ON t RESAMPLE FOR 2h BEGIN SELECT mean(f) INTO x.y.z FROM t.autogen.m WHERE a = 1 GROUP BY time(1h), * fill(none) TZ('UTC') END",
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(none)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(none)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(null)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, *',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(previous)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(previous)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(linear)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(linear)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(0)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(0)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(1.5)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(1.5)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(-5)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(-5)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(0.00000001)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(1e-08)',
  ],
  [
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(60s,5m), a, "b c", /x/, * fill(100000000000000000000000.0)',
    'SELECT mean(f) INTO t.autogen.x FROM t.autogen.m GROUP BY time(1m, 5m), a, "b c", /x/, * fill(1e+23)',
  ],
];

const defaults = { database: 't', retentionPolicyOf: (): string => 'autogen' };

describe('printed statements', () => {
  it.each(CASES)('%s', (query, text) => {
    expect(printStatement(qualifyStatement(parseStatement(query), defaults))).toBe(text);
  });
});
