// Random InfluxQL for scripts/compare-queries.mjs. The generator knows the grammar, not the rules: many statements are
// refused, and the refusals have to be the same words.

const FIELDS = ['f', 'i', 'b', 's', 'v', 'w', 'nope'];
const NUMBERS = ['f', 'i', 'f', 'i', 'v'];
const TAGS = ['host', 'region', 'az'];
const ONE_ARGUMENT = [
  ...['count', 'mean', 'sum', 'min', 'max', 'first', 'last', 'spread', 'stddev', 'median', 'mode'],
  ...['distinct', 'integral', 'derivative', 'non_negative_derivative', 'difference'],
  ...['non_negative_difference', 'elapsed', 'cumulative_sum'],
];
const MATH = [
  ...['abs', 'ceil', 'floor', 'round', 'sqrt', 'exp', 'ln', 'log2', 'log10', 'sin', 'cos', 'tan'],
  ...['asin', 'acos', 'atan'],
];
const SPANS = ['1h', '6h', '1d', '90m', '1w', '13m', '1000s', '12h', '2d'];
const ZONES = [
  ...['America/New_York', 'Asia/Kathmandu', 'UTC', 'Europe/Berlin', 'Australia/Lord_Howe'],
  ...['Asia/Tokyo', 'Nowhere/Land', ''],
];
const VALUES = ['a', 'b', 'c d', 'r0', 'r1', 'x', '', 'é', 'zz', 'r=1'];
const CASTS = [
  ...['f::float', 'i::integer', 'i::float', 'f::integer', 'host::tag', 'f::string', '*::field'],
  ...['*::tag', 'f::field', 'host::field', 'i::boolean', 'b::integer', 's::string', 'host::string'],
  ...['f::tag', 'i::unsigned', 'f::unsigned', 'v::integer', 'v::float'],
];

/** Makes statements from a seed. `baseS` is when the points begin. */
export class QueryStatements {
  #state;
  #baseS;

  constructor(seed, baseS) {
    this.#state = seed >>> 0 || 1;
    this.#baseS = baseS;
  }

  random(below) {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % below;
  }

  pick(list) {
    return list[this.random(list.length)];
  }

  chance(percent) {
    return this.random(100) < percent;
  }

  some(list, most) {
    return Array.from({ length: 1 + this.random(most) }, () => this.pick(list));
  }

  /** A request's form parameters. */
  next() {
    const kind = this.random(100);
    if (kind < 14) return { q: this.show() };
    if (kind < 22) return { q: this.broken(this.select()) };
    if (kind < 26) return this.bound();
    if (kind < 32) return this.shaped();
    if (kind < 34) return { q: `${this.select()}; ${this.pick([this.select(), this.show()])}` };
    if (kind < 46) return { q: this.plain() };
    return { q: this.select() };
  }

  /** What is seldom refused. */
  plain() {
    const isAggregate = this.chance(60);
    const one = () =>
      isAggregate
        ? `${this.pick(['count', 'mean', 'sum', 'min', 'max', 'first', 'last', 'median'])}(${this.number()})`
        : this.number();
    const columns = Array.from({ length: 1 + this.random(3) }, one);
    const grouping = this.groupBy(isAggregate);
    const filter = /time\(/.test(grouping) ? this.bounded(this.where()) : this.where();
    return `SELECT ${columns.join(', ')} FROM ${this.pick(['m', 'm', 'n', 'm, n'])}${filter}${grouping}${this.tail()}`;
  }

  bound() {
    const [name, value] = this.pick([
      ['$v', 10],
      ['$v', -1.5],
      ['$v', 'x'],
      ['$v', true],
      ['$"q v"', 'a'],
      ['$v', { duration: '3h' }],
      ['$v', { regex: '^[ab]$' }],
      ['$v', { identifier: 'f' }],
      ['$v', { integer: 7 }],
      ['$v', { string: 'y y' }],
      ['$v', null],
      ['$v', []],
    ]);
    const q = this.pick([
      `SELECT f FROM m WHERE f > ${name}`,
      `SELECT f FROM m WHERE s = ${name}`,
      `SELECT f FROM m WHERE host =~ ${name}`,
      `SELECT ${name} FROM m LIMIT 2`,
      `SELECT mean(f) FROM m WHERE time > ${this.#baseS}s AND time < ${this.#baseS + 90000}s GROUP BY time(${name})`,
      `SELECT f FROM m WHERE b = ${name} LIMIT 3`,
      `SHOW TAG VALUES FROM m WITH KEY = ${name}`,
      `SELECT f FROM m LIMIT ${name}`,
      `SELECT f * ${name} FROM ${name} LIMIT 1`,
    ]);
    const key = name === '$v' ? 'v' : 'q v';
    return { q, params: JSON.stringify({ [this.chance(95) ? key : 'other']: value }) };
  }

  /** The same answers in other forms. */
  shaped() {
    const q = this.chance(70) ? this.plain() : this.select();
    return this.pick([
      { q, chunked: 'true', chunk_size: this.pick(['1', '2', '7', '100', '0', '-1', 'x']) },
      { q, epoch: this.pick(['s', 'ms', 'u', 'h', 'm', 'ns', '', 'days']) },
      { q, pretty: this.pick(['true', 'false', '1']) },
      { q: `${q}; SHOW MEASUREMENTS`, chunked: 'true', chunk_size: '3' },
    ]);
  }

  time() {
    const s = this.#baseS + this.random(440) * 3600 - 20 * 3600;
    const iso = new Date(s * 1000).toISOString();
    return this.pick([
      `${s}s`,
      `'${iso.replace('.000', '')}'`,
      `'${iso.slice(0, 10)}'`,
      `${s}000000000`,
      `now() - ${this.random(100)}d`,
      `${s}s + 3h`,
      `'${iso.slice(0, 19).replace('T', ' ')}'`,
      `'${iso.slice(0, 19).replace('T', ' ')}.250' - 1d`,
      `${s * 1000}ms`,
      `${s}000000u`,
      `'${iso.slice(0, 19)}+02:00'`,
      `'${iso.slice(0, 10)}' + 13h`,
      `${s}.5`,
      `'${iso.slice(0, 16)}'`,
    ]);
  }

  literal() {
    return this.pick([
      ...['0', '1', '2', '-3', '1.5', '10', '0.25', '100', 'true', "'x'", '9223372036854775807'],
      ...['6h', '-0.5', '3 * 2', '9223372036854775808'],
    ]);
  }

  field() {
    return this.pick(FIELDS);
  }

  number() {
    return this.pick(NUMBERS);
  }

  column() {
    if (this.chance(70)) return this.field();
    return this.pick([this.pick(TAGS), 'time', '*', '/f|i/', '"q f"', ...CASTS]);
  }

  call(depth = 0) {
    const inner = () => {
      if (depth < 2 && this.chance(30)) return this.call(depth + 1);
      return this.chance(85) ? this.number() : this.column();
    };
    switch (this.random(14)) {
      case 0:
        return `percentile(${inner()}, ${this.pick(['0', '10', '50', '90', '99.5', '100', '-1', '101', '33', '20 + 5'])})`;
      case 1: {
        const tags = this.chance(30) ? `, ${this.some(TAGS, 2).join(', ')}` : '';
        const argument = this.chance(80) ? this.number() : this.field();
        return `${this.pick(['top', 'bottom'])}(${argument}${tags}, ${1 + this.random(4)})`;
      }
      case 2:
        return `moving_average(${inner()}, ${1 + this.random(4)})`;
      case 3:
        return `${this.pick(['derivative', 'non_negative_derivative', 'elapsed', 'integral'])}(${inner()}, ${this.pick(['1s', '1h', '10m', '1d'])})`;
      case 4:
        return `count(distinct(${inner()}))`;
      case 5:
        return `${this.pick(MATH)}(${inner()})`;
      case 6:
        return `${this.pick(['pow', 'atan2', 'log'])}(${inner()}, ${this.pick(['2', '0.5', '3', '-1', 'f'])})`;
      case 7:
        if (this.chance(70)) return `mean(${inner()})`;
        return `${this.pick(['holt_winters', 'holt_winters_with_fit'])}(mean(${this.number()}), ${1 + this.random(4)}, ${this.random(4)})`;
      default:
        return `${this.pick(ONE_ARGUMENT)}(${inner()})`;
    }
  }

  expression(isAggregate, depth = 0) {
    if (depth < 2 && this.chance(22)) {
      const left = this.chance(70) ? this.expression(isAggregate, depth + 1) : this.literal();
      const right = this.chance(60) ? this.expression(isAggregate, depth + 1) : this.literal();
      const text = `${left} ${this.pick(['+', '-', '*', '/', '%', '&', '|', '^'])} ${right}`;
      return this.chance(25) ? `(${text})` : text;
    }
    if (isAggregate) return this.call();
    return this.chance(80) ? this.number() : this.column();
  }

  comparison() {
    switch (this.random(9)) {
      case 0:
        return `${this.pick(TAGS)} ${this.pick(['=', '!='])} '${this.pick(VALUES)}'`;
      case 1:
        return `${this.pick(TAGS)} ${this.pick(['=~', '!~'])} /${this.pick(['a', '^[ab]$', 'r\\d', '.*', '^$', 'c d', '(?i)A'])}/`;
      case 2:
        return `${this.field()} ${this.pick(['=', '!=', '<', '<=', '>', '>='])} ${this.literal()}`;
      case 3:
        return `${this.number()} ${this.pick(['<', '>', '>=', '='])} ${this.pick(['0', '10', '-20', '50.5', 'i', 'f + 1', 'i * 2', 'i / 2', 'abs(f)'])}`;
      case 4:
        return `s ${this.pick(['=', '!=', '=~', '!~'])} ${this.pick(["'x'", "'y y'", '/y/', '/^$/', "''"])}`;
      case 5:
        return `b ${this.pick(['=', '!='])} ${this.pick(['true', 'false'])}`;
      case 6:
        return `${this.pick(TAGS)} ${this.pick(['=', '!='])} ${this.pick([...TAGS, ...FIELDS])}`;
      case 7:
        return this.pick([
          'true',
          '1 = 1',
          'b & true',
          'f + i > 3',
          "'a' = host",
          '10 < f',
          'i % 2 = 0',
          "f::integer > 3 AND host::tag = 'a'",
          `_name = 'm'`,
          `(((f > 0)))`,
          'f > i AND s != host',
        ]);
      default:
        return `${this.chance(90) ? `time ${this.pick(['>', '>=', '<', '<=', '='])} ${this.time()}` : `${this.time()} ${this.pick(['<', '>='])} time`}`;
    }
  }

  #range() {
    return [
      `time >= ${this.#baseS + this.random(100) * 3600}s`,
      `time < ${this.#baseS + (120 + this.random(300)) * 3600}s`,
    ];
  }

  where() {
    if (this.chance(35)) return '';
    const range = this.chance(70) ? this.#range() : [];
    const others = Array.from({ length: this.random(3) }, () => this.comparison());
    const parts = [...others, ...range];
    if (parts.length === 0) return '';
    if (others.length === 2 && this.chance(40))
      return ` WHERE (${others.join(' OR ')})${range.map((one) => ` AND ${one}`).join('')}`;
    return ` WHERE ${parts.join(' AND ')}`;
  }

  /** With bounds of time: without, InfluxDB may fill windows from the beginning of time. */
  bounded(filter) {
    if (/time >=.*time </.test(filter)) return filter;
    const range = this.#range().join(' AND ');
    return filter === ''
      ? ` WHERE ${range}`
      : `${filter.replace(' WHERE ', ' WHERE (')}) AND ${range}`;
  }

  fill() {
    if (this.chance(50)) return '';
    return ` fill(${this.pick(['null', 'none', 'previous', 'linear', '0', '-1.5', '100'])})`;
  }

  groupBy(isAggregate) {
    const parts = [];
    if (this.chance(isAggregate ? 60 : 5)) {
      const offset = this.chance(25)
        ? `, ${this.pick(['10m', '-1h', '3h', '1d', "'2020-01-01'"])}`
        : '';
      parts.push(`time(${this.pick(SPANS)}${offset})`);
    }
    if (this.chance(40)) parts.push(...this.some([...TAGS, '*', '/reg/', 'nope', 'f'], 2));
    if (parts.length === 0) return '';
    if (this.chance(30)) parts.reverse();
    return ` GROUP BY ${parts.join(', ')}${this.fill()}`;
  }

  source() {
    return this.pick([
      ...['m', 'm', 'm', 'm', 'n', '/^[mn]$/', 'm, n', '"odd name"', 'big', 'autogen.m', 'late'],
      ...['"weeks"."autogen"."m"', '"day"..m', 'nothing', 'sparse..m', 'nodb..m', 'norp.m', '/./'],
    ]);
  }

  tail() {
    let text = '';
    if (this.chance(30)) text += ` ORDER BY time ${this.pick(['DESC', 'ASC', 'desc'])}`;
    if (this.chance(30)) text += ` LIMIT ${this.random(12)}`;
    if (this.chance(15)) text += ` OFFSET ${this.random(12)}`;
    if (this.chance(8)) text += ` SLIMIT ${this.random(3)}`;
    if (this.chance(6)) text += ` SOFFSET ${this.random(3)}`;
    if (this.chance(6)) text += ` tz('${this.pick(ZONES)}')`;
    return text;
  }

  select(depth = 0) {
    const isAggregate = this.chance(70);
    const aliases = ['x', '"a b"', 'f', 'y', 'time'];
    const columns = Array.from({ length: 1 + (this.chance(35) ? this.random(3) : 0) }, () => {
      const text = this.expression(this.chance(95) ? isAggregate : !isAggregate);
      return this.chance(15) ? `${text} AS ${this.pick(aliases)}` : text;
    });
    const from = depth < 2 && this.chance(22) ? this.#subquery(depth) : this.source();
    const grouping = this.groupBy(isAggregate);
    const filter = /time\(/.test(grouping) ? this.bounded(this.where()) : this.where();
    const into = depth === 0 && this.chance(2) ? ` INTO ${this.pick(['target', 'db2..t'])}` : '';
    return `SELECT ${columns.join(', ')}${into} FROM ${from}${filter}${grouping}${this.tail()}`;
  }

  #subquery(depth) {
    const one = () =>
      this.chance(50)
        ? `(${this.select(depth + 1)})`
        : `(${this.plain().replace(/SELECT (\S+\(\w+\)|\w+)(?=,| FROM)/, 'SELECT $1 AS f')})`;
    if (this.chance(85)) return one();
    return `${one()}, ${this.chance(50) ? one() : 'm'}`;
  }

  show() {
    const on = this.chance(20) ? ` ON ${this.pick(['weeks', 'nodb', '"day"'])}` : '';
    const from = () => (this.chance(50) ? ` FROM ${this.source()}` : '');
    const text = this.pick([
      () =>
        `SHOW MEASUREMENTS${on}${this.chance(40) ? ` WITH MEASUREMENT ${this.pick(['=~ /m|o/', '= m', '!~ /m/'])}` : ''}`,
      () => `SHOW TAG KEYS${on}${from()}`,
      () =>
        `SHOW TAG VALUES${on}${from()} WITH KEY ${this.pick(['= host', 'IN (host, az)', '=~ /h|r/', '!= host', '!~ /a/'])}`,
      () => `SHOW SERIES${on}${from()}`,
      () => `SHOW FIELD KEYS${on}${from()}`,
      () =>
        `SHOW ${this.pick(['SERIES', 'MEASUREMENT', 'TAG KEY', 'FIELD KEY'])} ${this.pick(['EXACT CARDINALITY', 'CARDINALITY'])}${on}${from()}`,
      () =>
        `SHOW TAG VALUES ${this.pick(['', 'EXACT '])}CARDINALITY${on}${from()} WITH KEY = ${this.pick(TAGS)}`,
      () => `SHOW RETENTION POLICIES${on}`,
      () => 'SHOW DATABASES',
    ])();
    const where = this.chance(40) ? ` WHERE ${this.comparison()}` : '';
    const group = this.chance(5) ? ` GROUP BY ${this.pick(TAGS)}` : '';
    const limit = this.chance(25) ? ` LIMIT ${1 + this.random(4)}` : '';
    const offset = this.chance(15) ? ` OFFSET ${this.random(3)}` : '';
    return `${text}${where}${group}${limit}${offset}`;
  }

  /** Takes a character or a word out, or puts one in. */
  broken(text) {
    const words = text.split(' ');
    const at = this.random(words.length);
    switch (this.random(4)) {
      case 0:
        words.splice(at, 1);
        break;
      case 1:
        words.splice(
          at,
          0,
          this.pick(['SELECT', 'FROM', ',', '(', ')', "'", 'WHERE', '5', 'AND', 'time(', ';', '"']),
        );
        break;
      case 2:
        words[at] = words[at].slice(0, -1);
        break;
      default: {
        const other = this.random(words.length);
        [words[at], words[other]] = [words[other], words[at]];
      }
    }
    return words.join(' ');
  }
}
