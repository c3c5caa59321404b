/** `tidegate inspect verify`: every file of every shard, and whether it is sound. */
import { join } from 'node:path';
import { findShardFolders } from '#tsdb';
import { type FileVerdict, type InspectedKind, inspectedKind, verifyFile } from '#tsm';
import type { CommonFlags, InspectedPlace, InspectOutput } from './inspect-options.js';
import { startProgress } from './progress.js';

/** Prints a line a file. @returns the exit code: 1 when a file is corrupt */
export async function verify(
  flags: CommonFlags & { readonly quiet?: boolean },
  place: InspectedPlace,
  output: InspectOutput,
): Promise<number> {
  const { files, dataDir, walDir } = place;
  const found: { path: string; kind: InspectedKind }[] = [];
  const folders = await findShardFolders(
    files,
    { dataDir, walDir },
    {
      database: flags.database,
      retentionPolicy: flags.retention,
    },
  );
  for (const { directory, walDirectory } of folders) {
    for (const folder of new Set([directory, walDirectory])) {
      for (const { name } of [...(await files.list(folder))].sort(byName)) {
        const kind = inspectedKind(name);
        if (kind !== null) found.push({ path: join(folder, name), kind });
      }
    }
  }
  const counts = { sound: 0, torn: 0, corrupt: 0, aside: 0 };
  const progress = startProgress(output, found.length);
  for (const [number, { path, kind }] of found.entries()) {
    progress.show(number, path);
    const verdict = await verifyFile(files, path, kind);
    counts[verdict.state]++;
    if (flags.quiet !== true || verdict.state !== 'sound')
      output.stdout.write(verdictText(verdict));
  }
  progress.stop();
  const { sound, torn, corrupt, aside } = counts;
  output.stdout.write(
    `${found.length} files in ${folders.length} shards: ${sound} sound, ${torn} torn by a crash, ` +
      `${corrupt} corrupt, ${aside} put aside before\n`,
  );
  return corrupt > 0 ? 1 : 0;
}

function verdictText({ path, state, content, sizeBytes, faults }: FileVerdict): string {
  const facts = [`${sizeBytes} bytes`, ...(content === '' ? [] : [content])].join(', ');
  return `${state.padEnd(8)}${path}: ${facts}\n${faults.map((fault) => `        ${fault}\n`).join('')}`;
}

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;
