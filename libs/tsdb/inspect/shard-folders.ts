/**
 * Finds the shards of a data directory by its folders, without metadata: `<database>/<retention policy>/<shard>`, under the
 * data directory, the WAL directory or both.
 */
import { join } from 'node:path';
import type { FileSystem } from '#kernel';

/** A shard on disk. */
export interface ShardFolder {
  readonly id: number;
  readonly database: string;
  readonly retentionPolicy: string;
  /** Folder of its TSM files. */
  readonly directory: string;
  readonly walDirectory: string;
}

/** Which shards are meant; absent parts mean all. */
export interface ShardSelection {
  readonly database?: string | undefined;
  readonly retentionPolicy?: string | undefined;
}

/** Shards by database, policy and id. InfluxDB's `_series` is not one. */
export async function findShardFolders(
  files: FileSystem,
  dirs: { readonly dataDir: string; readonly walDir: string },
  { database, retentionPolicy }: ShardSelection = {},
): Promise<readonly ShardFolder[]> {
  const roots = [dirs.dataDir, dirs.walDir];
  const found: ShardFolder[] = [];
  for (const db of await foldersOf(files, roots)) {
    if (database !== undefined && db !== database) continue;
    const policies = await foldersOf(
      files,
      roots.map((root) => join(root, db)),
    );
    for (const policy of policies.filter((name) => name !== '_series')) {
      if (retentionPolicy !== undefined && policy !== retentionPolicy) continue;
      const names = await foldersOf(
        files,
        roots.map((root) => join(root, db, policy)),
      );
      const ids = names.filter((name) => /^\d+$/.test(name)).map(Number);
      for (const id of ids.sort((a, b) => a - b)) {
        const [directory, walDirectory] = roots.map((root) => join(root, db, policy, String(id)));
        found.push({ id, database: db, retentionPolicy: policy, directory, walDirectory });
      }
    }
  }
  return found;
}

async function foldersOf(files: FileSystem, paths: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const path of paths) {
    for (const { name, isDirectory } of await files.list(path)) if (isDirectory) names.add(name);
  }
  return [...names].sort();
}
