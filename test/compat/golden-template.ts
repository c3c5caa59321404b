/** What recorded texts leave to the moment of the replay: times, repetitions, tokens. */
import { createHmac } from 'node:crypto';

const UNIT_NS: Readonly<Record<string, bigint>> = {
  n: 1n,
  ns: 1n,
  u: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};
const SECRET = 'conformance-secret';

/** The text with every `{{…}}` computed. */
export function fillTemplate(text: string): string {
  if (!text.includes('{{')) return text;
  return text.replace(/\{\{(.*?)\}\}/gs, (_, inner: string) => {
    if (inner.startsWith('now')) return nowText(inner);
    if (inner.startsWith('repeat:')) {
      const end = inner.lastIndexOf(':');
      return inner.slice('repeat:'.length, end).repeat(Number(inner.slice(end + 1)));
    }
    if (inner.startsWith('range:')) return rangeText(inner);
    if (inner.startsWith('jwt:')) return tokenText(inner.slice('jwt:'.length));
    throw new TypeError(`unknown template ${inner}`);
  });
}

function nowText(inner: string): string {
  const [, sign = '+', count = '0', unit = 'ns', precision = 'ns'] =
    /^now(?:([+-])(\d+)([a-z]+))?(?::([a-z]+))?$/.exec(inner) ?? [];
  const offset = BigInt(count) * (UNIT_NS[unit] ?? 1n);
  const timeNs = BigInt(Date.now()) * 1_000_000n + (sign === '-' ? -offset : offset);
  return (timeNs / (UNIT_NS[precision] ?? 1n)).toString();
}

function rangeText(inner: string): string {
  const [, from = '0', to = '0', line = ''] = /^range:(\d+):(\d+):(.*)$/s.exec(inner) ?? [];
  const lines: string[] = [];
  for (let i = Number(from); i <= Number(to); i++) lines.push(line.replaceAll('#', String(i)));
  return lines.join('\n');
}

function tokenText(options: string): string {
  const given = Object.fromEntries(
    options.split(',').map((pair) => {
      const equals = pair.indexOf('=');
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
  const claims: Record<string, unknown> = {};
  if (given['user'] !== undefined) claims['username'] = given['user'];
  if (given['exp'] !== undefined) {
    claims['exp'] = /^-?\d+$/.test(given['exp'])
      ? Math.floor(Date.now() / 1000) + Number(given['exp'])
      : given['exp'];
  }
  const algorithm = given['alg'] ?? 'HS256';
  const segment = (value: unknown): string =>
    Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${segment({ alg: algorithm, typ: 'JWT' })}.${segment(claims)}`;
  if (algorithm === 'none') return `${signed}.`;
  const hash = `sha${algorithm.slice(2)}`;
  return `${signed}.${createHmac(hash, given['secret'] ?? SECRET)
    .update(signed)
    .digest('base64url')}`;
}
