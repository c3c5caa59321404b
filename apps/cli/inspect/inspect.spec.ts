import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { NodeFileSystem } from '#kernel';
import { temporaryFolder } from '#test-support';
import { dump } from './dump.js';
import { exportData } from './export.js';
import { inspectedPlace, type InspectOutput } from './inspect-options.js';
import { report } from './report.js';
import { verify } from './verify.js';

/** InfluxDB's own files: three overlapping snapshots, a file with tombstones, a log. */
const folder = temporaryFolder();
const shard = join(folder.path, 'data/db/autogen/1');
const wal = join(folder.path, 'wal/db/autogen/1');
const place = inspectedPlace({ datadir: join(folder.path, 'data') }, {});

beforeAll(() => {
  mkdirSync(shard, { recursive: true });
  mkdirSync(wal, { recursive: true });
  const fixtures = 'test/fixtures/tsm';
  copyFileSync(`${fixtures}/gens-1.tsm`, `${shard}/000000001-000000001.tsm`);
  copyFileSync(`${fixtures}/gens-2.tsm`, `${shard}/000000002-000000001.tsm`);
  copyFileSync(`${fixtures}/tomb.tsm`, `${shard}/000000003-000000001.tsm`);
  copyFileSync(`${fixtures}/tomb.tombstone`, `${shard}/000000003-000000001.tombstone`);
  copyFileSync(`${fixtures}/influx-small.wal`, `${wal}/_00001.wal`);
});
afterAll(() => folder.remove());

const run = async (
  command: (output: InspectOutput) => Promise<number>,
): Promise<{ code: number; text: string }> => {
  const stdout = new PassThrough();
  const chunks: Buffer[] = [];
  stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const code = await command({ stdout, stderr: new PassThrough().resume() });
  return { code, text: Buffer.concat(chunks).toString() };
};

describe('tidegate inspect', () => {
  it('verify: every file is sound', async () => {
    const { code, text } = await run((output) => verify({}, place, output));
    expect(text.split('\n').map((line) => line.replace(folder.path, ''))).toEqual([
      'sound   /data/db/autogen/1/000000001-000000001.tsm: 2334 bytes, 253 values in 17 blocks of 17 keys; index checked by its structure only',
      'sound   /data/db/autogen/1/000000002-000000001.tsm: 2246 bytes, 541 values in 11 blocks of 11 keys; index checked by its structure only',
      'sound   /data/db/autogen/1/000000003-000000001.tombstone: 273 bytes, 11 deletions',
      'sound   /data/db/autogen/1/000000003-000000001.tsm: 824 bytes, 165 values in 9 blocks of 9 keys; index checked by its structure only',
      "sound   /wal/db/autogen/1/_00001.wal: 40 bytes, 1 values and 0 deletions in 1 entries of InfluxDB's log",
      '5 files in 1 shards: 5 sound, 0 torn by a crash, 0 corrupt, 0 put aside before',
      '',
    ]);
    expect(code).toBe(0);
  });

  it('verify: says which block is corrupt, and fails', async () => {
    const path = `${shard}/000000002-000000001.tsm`;
    const content = readFileSync(path);
    writeFileSync(
      path,
      content.map((byte, at) => (at === 40 ? byte ^ 1 : byte)),
    );
    const { code, text } = await run((output) => verify({ quiet: true }, place, output));
    writeFileSync(path, content);
    expect(text).toMatch(
      /^corrupt .*000000002-000000001\.tsm: .*\n +block at offset 29 of \S+ \S+: crc mismatch\n/,
    );
    expect(text).toContain('4 sound, 0 torn by a crash, 1 corrupt');
    expect(code).toBe(1);
  });

  it('dump: keys, blocks and encodings', async () => {
    const files = new NodeFileSystem();
    const { code, text } = await run((output) =>
      dump(`${shard}/000000003-000000001.tsm`, { filterKey: 's=a' }, files, output),
    );
    expect(text).toContain('11 deletions beside it');
    expect(text).toMatch(
      /\n {2}t,s=a v \(\w+\)\n {4}\d+ to \d+: \d+ bytes at \d+, \d+ values, times run length, values \w+/,
    );
    expect(text).not.toContain('s=b');
    expect(code).toBe(0);
    const log = await run((output) => dump(`${wal}/_00001.wal`, {}, files, output));
    expect(log.text).toMatch(/\n {2}write \S+#!~#\w+ \d+=/);
    await expect(run((output) => dump('/absent.tsm', {}, files, output))).rejects.toThrow(
      'cannot dump /absent.tsm: it is not there',
    );
  });

  it('report: a line a measurement', async () => {
    const { code, text } = await run((output) => report({ detailed: true }, place, output));
    expect(text).toMatch(
      /^database db: \d+ series in \d+ measurements, 1 shards, 3 TSM files of 5404 bytes\n/,
    );
    expect(text).toMatch(/\n {2}t +\d+ +2 +1 +\d+ +\d+\n/);
    expect(text).toContain('  t: fields v, w\n    tag s: ');
    expect(code).toBe(0);
  });

  it('export: what influx -import takes, without what was deleted', async () => {
    const { code, text } = await run((output) => exportData({}, place, output));
    expect(text).toMatch(
      /^# DDL\nCREATE DATABASE "db"\n# DML\n# CONTEXT-DATABASE:db\n# CONTEXT-RETENTION-POLICY:autogen\n# shard 1\n/,
    );
    expect(text).toContain('\nt,s=a v=');
    // DELETE FROM t WHERE s = 'a' of five seconds.
    expect(text).not.toContain('t,s=a v=5 1500000005000000000\n');
    expect(text).not.toContain('\nt,s=b');
    expect(code).toBe(0);
  });

  it('export: a part, packed, to a file', async () => {
    const out = join(folder.path, 'part.gz');
    const flags = {
      start: '2017-07-14T02:40:00Z',
      end: '1500000001000000000',
      out,
      compress: true,
    };
    await run((output) => exportData(flags, place, output));
    const lines = gunzipSync(readFileSync(out))
      .toString()
      .split('\n')
      .filter((line) => /^\w/.test(line));
    const times = lines
      .filter((line) => !line.startsWith('CREATE'))
      .map((line) => line.split(' ').at(-1));
    expect(times.length).toBeGreaterThan(0);
    expect(times.every((time) => Number(time) >= 1.5e18 && Number(time) <= 1.500000001e18)).toBe(
      true,
    );
    await expect(
      exportData({ start: 'soon' }, place, {
        stdout: new PassThrough(),
        stderr: new PassThrough(),
      }),
    ).rejects.toThrow('cannot read the time "soon" of --start: RFC 3339 or nanoseconds');
  });
});
