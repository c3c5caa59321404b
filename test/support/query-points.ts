/**
 * Points that random and recorded statements are asked over: shapes that differ in shards, gaps and types.
 */

/** The first time, in seconds: Monday 2020-09-14T00:00:00Z, where a week's shard begins. */
export const queryBaseS = 1_600_041_600;

/** Line protocol in seconds, by the name of the shape. */
export const queryPoints: Readonly<Record<string, () => string>> = {
  weeks,
  /** One shard, dense, several series at the same times. */
  day,
  /** Series that live in some shards only, a field of two types, texts with odd characters. */
  sparse,
  empty: () => '',
};

const hosts = ['a', 'b', 'c d', 'é'] as const;

/** Three shards, gaps, tags that some series lack, a field with two types in two measurements, the limits of numbers. */
function weeks(): string {
  const lines: string[] = [];
  for (let i = 0; i < 400; i++) {
    const timeS = queryBaseS + i * 3600 + (i % 7) * 13;
    for (const [h, host] of hosts.entries()) {
      if ((i + h) % 5 === 0) continue;
      const region = h < 3 ? `,region=r${h % 2}` : '';
      const fields = [`f=${(((i * 7919 + h * 104_729) % 2003) - 1000) / 8}`];
      if (i % 3 !== 0) fields.push(`i=${((i * 31 + h) % 97) - 40}i`);
      if (i % 4 !== 1) fields.push(`b=${(i + h) % 3 === 0}`);
      if (i % 5 !== 2) fields.push(`s="${['x', 'y y', 'z\\"q', ''][(i + h) % 4]}"`);
      const tags = `host=${host.replace(' ', '\\ ')}${region}${i % 2 ? '' : ',az=x'}`;
      lines.push(`m,${tags} ${fields.join(',')} ${timeS}`);
    }
    if (i % 6 === 0) lines.push(`n,host=a f=${i}i,v=${i / 3} ${timeS}`);
    if (i % 10 === 0) lines.push(`odd\\ name,a\\ b=c\\,d q\\ f=${i},time_x=${i} ${timeS}`);
  }
  lines.push(
    `big v=9223372036854775807i ${queryBaseS}`,
    `big v=-9223372036854775808i ${queryBaseS + 60}`,
    `big w=1e308 ${queryBaseS}`,
    `big w=-1e308 ${queryBaseS + 60}`,
  );
  return lines.join('\n');
}

function day(): string {
  const lines: string[] = [];
  for (let i = 0; i < 90; i++) {
    const timeS = queryBaseS + 1200 + i * 600;
    for (const [h, host] of hosts.entries()) {
      const tags = `host=${host.replace(' ', '\\ ')},region=r${h % 2}${h === 1 ? ',az=x' : ''}`;
      const fields = [`f=${((i * 13 + h * 7) % 11) / 2}`, `i=${((i * 5 + h) % 7) - 3}i`];
      fields.push(`b=${(i * 3 + h) % 4 < 2}`, `s="${'xyz'[(i + h) % 3]}"`);
      lines.push(`m,${tags} ${fields.join(',')} ${timeS}`);
    }
    lines.push(`n,host=${i % 2 ? 'a' : 'b'} f=${(i % 5) - 2}i,v=${((i * 37) % 19) / 4} ${timeS}`);
  }
  return lines.join('\n');
}

function sparse(): string {
  const lines: string[] = [];
  for (let i = 0; i < 60; i++) {
    const timeS = queryBaseS + i * 43_200 + (i % 3) * 7;
    const host = hosts[Math.floor(i / 13) % 4] ?? 'a';
    const tags = `host=${host.replace(' ', '\\ ')}${i % 4 === 0 ? ',region=r\\=1' : ''}`;
    // A float in the first three weeks, an integer behind them.
    const v = i < 42 ? `${i / 4}` : `${i}i`;
    lines.push(
      `m,${tags} f=${i % 7},v=${v},s="${['a,b', 'c=d', 'ü "q"', '/', '\\\\'][i % 5]?.replaceAll('"', '\\"')}" ${timeS}`,
    );
    if (i % 3 === 0) lines.push(`m,host=a i=${i - 30}i,b=${i % 2 === 0} ${timeS}`);
    if (i % 9 === 0) lines.push(`n,az=x,host=b f=${i}i,v=${i} ${timeS}`);
    if (i > 50) lines.push(`late,host=a f=1,i=2i ${timeS}`);
  }
  return lines.join('\n');
}
