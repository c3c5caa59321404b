// Random statements of every kind but plain SELECT for scripts/compare-queries.mjs: what is created, changed, dropped, granted and
// shown, whole or with tokens left out, doubled, swapped or put in. The refusals have to be the same words.
import { QueryStatements } from './query-statements.mjs';

const DATABASES = ['weeks', 'd1', 'd2', '"d 3"', 'nodb', '"day"'];
const POLICIES = ['autogen', 'r1', 'r2', '"r 3"', 'norp'];
const USERS = ['u1', 'u2', '"u 3"', 'nobody'];
const SPANS = [
  '1h',
  '2h',
  '1d',
  '30m',
  '61m',
  '1w',
  'INF',
  '0s',
  '1s',
  '0',
  '52w',
  '90m',
  '1h30m',
  '7200s',
];
const NAMES = ['m', 'n', 'host', 'f', '"a b"', 'x', 'r1', 'time', 'all', 'key'];
const SNIPPETS = [
  ...[
    'SELECT',
    'FROM',
    'WHERE',
    'GROUP BY',
    'ON',
    'TO',
    'WITH',
    'KEY',
    'IN',
    'LIMIT',
    'OFFSET',
    'FOR',
    'BEGIN',
    'END',
    'INTO',
  ],
  ...[
    'AND',
    'OR',
    '(',
    ')',
    ',',
    ';',
    '=',
    '=~',
    '!=',
    '!~',
    '<',
    '>=',
    '.',
    '..',
    ':',
    '::',
    '*',
    '/',
    '+',
    '-',
    '%',
    '&',
    '|',
    '^',
  ],
  ...[
    "'x'",
    "'",
    '"',
    '"q"',
    '5',
    '-5',
    '1.5',
    '.5',
    '5.',
    '1h',
    '5x',
    '1e3',
    '9223372036854775808',
    'true',
    'null',
    '$v',
    '$',
    '@',
    '#',
    '!',
  ],
  ...[
    '/a/',
    '/[/',
    '/(?<x>a)/',
    '// c',
    '-- c',
    '/* c */',
    '/*',
    'é',
    '😀',
    '\\',
    'ALL',
    'PRIVILEGES',
    'DEFAULT',
    'DURATION',
    'NAME',
  ],
  ...[
    'DESTINATIONS',
    'ANY',
    'RESAMPLE',
    'EVERY',
    'fill(',
    'tz(',
    'time(',
    'PASSWORD',
    'EXACT',
    'CARDINALITY',
    'ASC',
    'DESC',
    'ORDER BY time',
  ],
];

/** Makes statements from a seed. */
export class AllStatements extends QueryStatements {
  /** A request's form parameters. */
  next() {
    const whole = this.statement();
    if (this.chance(55)) return { q: whole };
    return { q: this.mutated(this.chance(30) ? this.select() : whole) };
  }

  on() {
    return this.chance(70) ? ` ON ${this.pick(DATABASES)}` : '';
  }

  policyClauses(order = ['DURATION', 'REPLICATION', 'SHARD DURATION', 'DEFAULT']) {
    const parts = order.filter(() => this.chance(60));
    if (this.chance(10)) parts.reverse();
    return parts
      .map((part) => {
        if (part === 'DEFAULT') return ' DEFAULT';
        if (part === 'NAME') return ` NAME ${this.pick(POLICIES)}`;
        if (part === 'REPLICATION')
          return ` REPLICATION ${this.pick(['1', '1', '2', '0', '-1', '1.5', 'x'])}`;
        return ` ${part} ${this.pick(SPANS)}`;
      })
      .join('');
  }

  where() {
    return this.chance(40)
      ? ` WHERE ${this.comparison()}${this.chance(30) ? ` ${this.pick(['AND', 'OR'])} ${this.comparison()}` : ''}`
      : '';
  }

  paging() {
    let text = '';
    if (this.chance(15))
      text += ` ORDER BY ${this.pick(['time', 'ASC', 'DESC', 'time DESC', 'x', 'f DESC'])}`;
    if (this.chance(25)) text += ` LIMIT ${this.pick(['0', '1', '2', '-1', '1.5', 'x'])}`;
    if (this.chance(20)) text += ` OFFSET ${this.pick(['0', '1', '-1', 'x'])}`;
    if (this.chance(6)) text += ` SLIMIT ${this.pick(['1', '0'])}`;
    if (this.chance(6)) text += ` SOFFSET ${this.pick(['1', '0'])}`;
    return text;
  }

  statement() {
    const pick = (list) => this.pick(list);
    const withKey = () =>
      ` WITH KEY ${pick(['= host', 'IN (host, az)', 'IN (host)', '=~ /h|r/', '!= host', '!~ /a/', "= 'host'", '= "host"', '> host', 'IN host', 'IN ()'])}`;
    const from = () => (this.chance(50) ? ` FROM ${this.source()}` : '');
    return pick([
      () =>
        `CREATE DATABASE ${pick(DATABASES)}${this.chance(60) ? ` WITH${this.policyClauses(['DURATION', 'REPLICATION', 'SHARD DURATION', 'NAME'])}` : ''}`,
      () => `DROP DATABASE ${pick(['d1', 'd2', '"d 3"', 'nodb'])}`,
      () => `CREATE RETENTION POLICY ${pick(POLICIES)}${this.on()}${this.policyClauses()}`,
      () =>
        `ALTER RETENTION POLICY ${pick(POLICIES)} ON ${pick(['d1', 'd2', '"d 3"', 'nodb'])}${this.policyClauses()}`,
      () =>
        `DROP RETENTION POLICY ${pick(['r1', 'r2', '"r 3"', 'norp'])} ON ${pick(['d1', 'd2', '"d 3"', 'nodb'])}`,
      () =>
        `CREATE CONTINUOUS QUERY ${pick(['c1', 'c2', '"c 3"'])}${this.on()}${this.chance(20) ? ` RESAMPLE${this.chance(60) ? ` EVERY ${pick(['1m', '1h', '0s'])}` : ''}${this.chance(60) ? ` FOR ${pick(['2h', '1m', '0s'])}` : ''}` : ''} BEGIN ${this.continuous()} END`,
      () => `DROP CONTINUOUS QUERY ${pick(['c1', 'c2', '"c 3"', 'c4'])}${this.on()}`,
      () =>
        `CREATE USER ${pick(USERS)} WITH PASSWORD ${pick(["'p'", "''", "'p''q'", 'p', '"p"'])}${this.chance(20) ? ' WITH ALL PRIVILEGES' : ''}`,
      () => `DROP USER ${pick(USERS)}`,
      () => `SET PASSWORD FOR ${pick(USERS)} = ${pick(["'q'", "''", 'q'])}`,
      () =>
        `GRANT ${pick(['READ', 'WRITE', 'ALL', 'ALL PRIVILEGES', 'NONE'])}${this.on()} TO ${pick(USERS)}`,
      () =>
        `REVOKE ${pick(['READ', 'WRITE', 'ALL', 'ALL PRIVILEGES', 'NONE'])}${this.on()} FROM ${pick(USERS)}`,
      () => `SHOW GRANTS FOR ${pick(USERS)}`,
      () => pick(['SHOW USERS', 'SHOW DATABASES', 'SHOW CONTINUOUS QUERIES', 'SHOW SUBSCRIPTIONS']),
      () => `SHOW RETENTION POLICIES${this.on()}`,
      () =>
        `CREATE SUBSCRIPTION ${pick(['s1', 's2', '"s 3"'])} ON ${pick(DATABASES)}.${pick(POLICIES)} DESTINATIONS ${pick(['ALL', 'ANY', ''])} ${pick(["'udp://127.0.0.1:9'", "'http://127.0.0.1:9', 'udp://127.0.0.1:9'", "'x'", "''", "'tcp://a'", "'http://a'"])}`,
      () =>
        `DROP SUBSCRIPTION ${pick(['s1', 's2', '"s 3"'])} ON ${pick(DATABASES)}.${pick(POLICIES)}`,
      () => `DROP MEASUREMENT ${pick(['t1', '"t 2"', 'nothing', '/t/'])}`,
      () =>
        `DROP SERIES FROM ${pick(['t1', '"t 2"', 'nothing', '/^t/', 'd1..t1', 't1, nothing'])}${this.where()}`,
      () =>
        `DROP SERIES WHERE ${pick(["host = 'zz'", "az = 'q'", 'f > 5', 'time > 5', "host = 'a' AND time > 5"])}`,
      () => `DELETE FROM ${pick(['t1', '"t 2"', 'nothing', '/^t/', 'd1..t1'])}${this.where()}`,
      () => `DELETE WHERE ${pick(["host = 'zz'", 'time < 5', "nope = 'q'", 'f > 5', 'host > 5'])}`,
      () => `DROP SHARD ${pick(['99', '-1', 'x', '1.5'])}`,
      () => `KILL QUERY ${pick(['99999', 'x', '-1', "99999 ON 'h'", '99999 ON "h"'])}`,
      () =>
        `SELECT ${pick(['f', 'mean(f)', '*', 'i AS x', 'top(f, host, 2)'])} INTO ${pick(['t1', '"t 2"', 'd1..t1', 'd1.r1.t1', 'nodb..t1', 'weeks.norp.t1', ':MEASUREMENT', 'd1..:MEASUREMENT', '/t/'])} FROM ${pick(['m', 'n', 'm, n', '/^[mn]$/', 't1'])} WHERE time >= 1600041600s AND time < 1600141600s${pick(['', ' GROUP BY *', ' GROUP BY host', ' GROUP BY time(1h)', ' GROUP BY time(1h), host'])}`,
      () =>
        `SHOW MEASUREMENTS${this.on()}${this.chance(40) ? ` WITH MEASUREMENT ${pick(['=~ /m|o/', '= m', '!~ /m/', '!= m', "= 'm'", '> m'])}` : ''}${this.where()}${this.paging()}`,
      () =>
        `SHOW TAG KEYS${this.on()}${from()}${this.chance(8) ? withKey() : ''}${this.where()}${this.paging()}`,
      () =>
        `SHOW TAG VALUES${this.on()}${from()}${this.chance(92) ? withKey() : ''}${this.where()}${this.paging()}`,
      () => `SHOW SERIES${this.on()}${from()}${this.where()}${this.paging()}`,
      () => `SHOW FIELD KEYS${this.on()}${from()}${this.where()}${this.paging()}`,
      () =>
        `SHOW ${pick(['SERIES', 'MEASUREMENT', 'TAG KEY', 'FIELD KEY', 'TAG VALUES'])} ${pick(['EXACT CARDINALITY', 'CARDINALITY'])}${this.on()}${from()}${this.chance(20) ? withKey() : ''}${this.where()}${this.chance(10) ? ` GROUP BY ${pick(NAMES)}` : ''}${this.paging()}`,
      () => `SHOW ${pick(['STATS', 'DIAGNOSTICS'])} FOR ${pick(["'nothing'", 'x', '5'])}`,
      () =>
        `EXPLAIN ${pick(['', 'ANALYZE ', 'VERBOSE '])}${pick(['SHOW DATABASES', 'SELECT', 'SELECT f FROM', 'DROP DATABASE x', 'SELECT f FROM nodb..m', 'SELECT f, mean(f) FROM m'])}`,
    ])();
  }

  continuous() {
    return `SELECT ${this.pick(['mean(f)', 'count(f), max(i)', 'f', '*', 'mean(f) AS "x y"', 'top(f, 2)'])}${this.chance(90) ? ` INTO ${this.pick(['t1', 'd1..t1', '"r1".:MEASUREMENT', 'd2.r1.t1', '"x y"'])}` : ''} FROM ${this.pick(['m', 'd2.r1.m', '/^[mn]$/', '"a b"', '(SELECT f FROM m)', 'm, n'])}${this.chance(20) ? " WHERE host = 'a'" : ''}${this.chance(10) ? ' WHERE time > 5' : ''}${this.chance(85) ? ` GROUP BY ${this.pick(['time(1h)', 'time(1h), host', 'time(1h, 10m), *', 'host', 'time(0s)', 'time()'])}` : ''}${this.fill()}${this.chance(5) ? ' LIMIT 1' : ''}`;
  }

  /** Leaves tokens out, doubles, swaps, cuts or inserts some. */
  mutated(text) {
    const tokens = text.match(/"[^"]*"|'[^']*'|\/[^/ ]*\/|\w+|\s+|./gu) ?? [];
    for (let times = 1 + this.random(2); times > 0; times--) {
      const at = this.random(tokens.length);
      const other = this.random(tokens.length);
      const kind = this.random(6);
      if (kind === 0) tokens.splice(at, 1);
      else if (kind === 1) tokens.splice(at, 0, tokens[at], ' ');
      else if (kind === 2) [tokens[at], tokens[other]] = [tokens[other], tokens[at]];
      else if (kind === 3) tokens.splice(at, 0, ' ', this.pick(SNIPPETS), ' ');
      else if (kind === 4) tokens[at] = this.pick(SNIPPETS);
      else tokens.length = Math.max(1, at);
    }
    return tokens.join('');
  }
}
