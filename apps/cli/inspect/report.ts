/** `tidegate inspect report`: series, cardinality and bytes of each measurement. */
import { type DatabaseReport, findShardFolders, InspectedStore, reportDatabase } from '#tsdb';
import type { CommonFlags, InspectedPlace, InspectOutput } from './inspect-options.js';
import { startProgress } from './progress.js';

/** Prints a table a database. @returns the exit code: 1 when a file did not open */
export async function report(
  flags: CommonFlags & { readonly detailed?: boolean },
  place: InspectedPlace,
  output: InspectOutput,
): Promise<number> {
  const folders = await findShardFolders(place.files, place, {
    database: flags.database,
    retentionPolicy: flags.retention,
  });
  const progress = startProgress(output, folders.length);
  let [done, corruptCount] = [0, 0];
  for (const database of new Set(folders.map((folder) => folder.database))) {
    const store = new InspectedStore(place);
    const shards = [];
    for (const folder of folders.filter((each) => each.database === database)) {
      progress.show(done++, folder.directory);
      shards.push(await store.open(folder));
    }
    const found = reportDatabase(store.index(database), shards);
    corruptCount += found.corruptFileCount;
    output.stdout.write(reportText(database, found, flags.detailed === true));
    await store.close();
  }
  progress.stop();
  return corruptCount > 0 ? 1 : 0;
}

function reportText(database: string, found: DatabaseReport, isDetailed: boolean): string {
  const { shardCount, fileCount, fileBytes, corruptFileCount } = found;
  const rows = found.measurements.map((measurement) => [
    measurement.name,
    String(measurement.seriesCount),
    String(measurement.fields.length),
    String(measurement.tags.length),
    String(measurement.blockCount),
    String(measurement.blockBytes),
  ]);
  const lines = [
    `database ${database}: ${found.seriesCount} series in ${found.measurements.length} measurements, ` +
      `${shardCount} shards, ${fileCount} TSM files of ${fileBytes} bytes` +
      (corruptFileCount > 0 ? `, ${corruptFileCount} files do not open` : ''),
    ...table([['measurement', 'series', 'fields', 'tags', 'blocks', 'bytes'], ...rows]),
  ];
  if (isDetailed) {
    for (const { name, tags, fields } of found.measurements) {
      lines.push(`  ${name}: fields ${fields.join(', ')}`);
      for (const { key, valueCount } of tags) lines.push(`    tag ${key}: ${valueCount} values`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** Columns side by side, numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map(
    (row) =>
      `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`,
  );
}
