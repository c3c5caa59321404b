/** `tidegate inspect export`: points as line protocol that `influx -import` takes. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { PassThrough, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { formatDurationNs, messageOf } from '#kernel';
import { decodeMetaData, type RetentionPolicy } from '#meta';
import { exportShard, findShardFolders, InspectedStore, type ShardFolder } from '#tsdb';
import { CommandError } from './errors.js';
import type { CommonFlags, InspectedPlace, InspectOutput } from './inspect-options.js';
import { startProgress } from './progress.js';

/** Flags of the command. */
export interface ExportFlags extends CommonFlags {
  readonly start?: string;
  readonly end?: string;
  /** A path; standard output when absent or `-`. */
  readonly out?: string;
  readonly compress?: boolean;
}

/** Writes the points. @returns the exit code: 1 when files did not open and their points are missing */
export async function exportData(
  flags: ExportFlags,
  place: InspectedPlace,
  output: InspectOutput,
): Promise<number> {
  const range = {
    minNs: timeOf(flags.start, '--start') ?? -(2n ** 63n),
    maxNs: timeOf(flags.end, '--end') ?? 2n ** 63n - 1n,
  };
  const folders = await findShardFolders(place.files, place, {
    database: flags.database,
    retentionPolicy: flags.retention,
  });
  const text = new PassThrough();
  const written = pipeTo(text, flags, output);
  const counts = { points: 0, skipped: 0, corruptFiles: 0 };
  const progress = startProgress(output, folders.length * PERCENT);
  const work = async (): Promise<void> => {
    await send(text, await dataDefinition(place, folders));
    let context = '';
    for (const [number, folder] of folders.entries()) {
      const { database, retentionPolicy } = folder;
      const store = new InspectedStore(place);
      const { shard } = await store.open(folder);
      if (context !== `${database}\n${retentionPolicy}`) {
        context = `${database}\n${retentionPolicy}`;
        await send(
          text,
          `# CONTEXT-DATABASE:${database}\n# CONTEXT-RETENTION-POLICY:${retentionPolicy}\n`,
        );
      }
      await send(text, `# shard ${folder.id}\n`);
      for (const chunk of exportShard(shard, store.index(database), range)) {
        counts.points += chunk.points;
        counts.skipped += chunk.skipped;
        if (chunk.text !== '') await send(text, chunk.text);
        const part = chunk.seriesCount === 0 ? 1 : chunk.seriesDone / chunk.seriesCount;
        progress.show(Math.floor((number + part) * PERCENT), folder.directory);
      }
      counts.corruptFiles += shard.engine.fileStore.badFileCount;
      await store.close();
    }
    text.end();
  };
  await Promise.all([work(), written]);
  progress.stop();
  const { points, skipped, corruptFiles } = counts;
  const problems = [
    ...(skipped > 0 ? [`${skipped} points left out, whose keys have a line feed`] : []),
    ...(corruptFiles > 0 ? [`${corruptFiles} files did not open: see inspect verify`] : []),
  ];
  output.stderr.write(
    `${[`${points} points of ${folders.length} shards exported`, ...problems].join('; ')}\n`,
  );
  return corruptFiles > 0 ? 1 : 0;
}

/** Steps of the progress bar a shard. */
const PERCENT = 100;

/** The header: statements that make the databases and policies, which `influx -import` runs first. */
async function dataDefinition(
  place: InspectedPlace,
  folders: readonly ShardFolder[],
): Promise<string> {
  const policies = await knownPolicies(place);
  const lines = ['# DDL'];
  for (const database of new Set(folders.map((folder) => folder.database))) {
    lines.push(`CREATE DATABASE ${quoted(database)}`);
    const ofDatabase = folders.filter((folder) => folder.database === database);
    for (const name of new Set(ofDatabase.map((folder) => folder.retentionPolicy))) {
      if (name === 'autogen') continue;
      lines.push(
        `CREATE RETENTION POLICY ${quoted(name)} ON ${quoted(database)} ` +
          durationsText(policies.get(`${database}\n${name}`)),
      );
    }
  }
  lines.push('# DML', '');
  return lines.join('\n');
}

/** What follows a policy's name. Without metadata nothing may be dropped for its age. */
function durationsText(policy: RetentionPolicy | undefined): string {
  if (policy === undefined) return 'DURATION INF REPLICATION 1';
  const { durationNs, shardGroupDurationNs } = policy;
  const duration = durationNs === 0n ? 'INF' : formatDurationNs(durationNs);
  return `DURATION ${duration} REPLICATION 1 SHARD DURATION ${formatDurationNs(shardGroupDurationNs)}`;
}

/** Policies of meta.db by database and name; none when there is no metadata that reads. */
async function knownPolicies({
  files,
  metaDir,
}: InspectedPlace): Promise<ReadonlyMap<string, RetentionPolicy>> {
  const path = join(metaDir, 'meta.db');
  if (metaDir === '' || (await files.stat(path)) === null) return new Map();
  const { databases } = decodeMetaData(await files.readFile(path));
  return new Map(
    databases.flatMap(({ name, retentionPolicies }) =>
      retentionPolicies.map((policy) => [`${name}\n${policy.name}`, policy] as const),
    ),
  );
}

function pipeTo(text: PassThrough, flags: ExportFlags, output: InspectOutput): Promise<void> {
  const isFile = flags.out !== undefined && flags.out !== '-';
  const to = isFile ? createWriteStream(flags.out ?? '') : (output.stdout as unknown as Writable);
  const options = { end: isFile };
  const piped =
    flags.compress === true
      ? pipeline(text, createGzip(), to, options)
      : pipeline(text, to, options);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(new CommandError(`cannot write the export: ${messageOf(error)}`));
    // A reader of standard output that leaves early.
    to.once('error', (error: unknown) => {
      text.destroy();
      fail(error);
    });
    piped.then(resolve, fail);
  });
}

/** Waits when the receiver is slower. */
async function send(to: Writable, text: string): Promise<void> {
  if (to.destroyed) throw new CommandError('cannot write the export: its output was closed');
  if (to.write(text)) return;
  await new Promise<void>((resolve) => {
    to.once('drain', resolve);
    to.once('close', resolve);
  });
}

function timeOf(text: string | undefined, flag: string): bigint | null {
  if (text === undefined) return null;
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const [, seconds, fraction = '', zone] =
    /^([^.]+?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(seconds + zone);
  if (Number.isNaN(ms)) {
    throw new CommandError(
      `cannot read the time ${JSON.stringify(text)} of ${flag}: RFC 3339 or nanoseconds`,
    );
  }
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

const quoted = (name: string): string => `"${name.replace(/["\\]/g, '\\$&')}"`;
