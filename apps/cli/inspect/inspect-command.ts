/** `tidegate inspect`: looks at data on disk without a server. This file names the commands and their flags. */
import type { Command } from 'commander';
import { messageOf, NodeFileSystem, TidegateError } from '#kernel';
import { dump, type DumpFlags } from './dump.js';
import { exportData, type ExportFlags } from './export.js';
import { type CommonFlags, inspectedPlace, type InspectOutput } from './inspect-options.js';
import { report } from './report.js';
import { verify } from './verify.js';

/** Adds the commands; each sets the process' exit code. */
export function addInspectCommand(
  program: Command,
  environment: NodeJS.ProcessEnv,
  output: InspectOutput,
): void {
  const inspect = program
    .command('inspect')
    .description("look at data on disk, Tidegate's or InfluxDB's; changes nothing");
  const withPlace = (name: string, description: string): Command =>
    inspect
      .command(name)
      .description(description)
      .option('--config <path>', 'configuration that says where the data is')
      .option('--datadir <path>', 'data directory')
      .option('--waldir <path>', 'WAL directory (else wal beside the data directory)')
      .option('--database <name>', 'only this database')
      .option('--retention <name>', 'only this retention policy');
  const running = (work: () => Promise<number>): Promise<void> => run(work, output);
  withPlace('verify', 'read every file as a whole; exit code 1 when one is corrupt')
    .option('--quiet', 'leave sound files out')
    .action((flags: CommonFlags & { quiet?: boolean }) =>
      running(() => verify(flags, inspectedPlace(flags, environment), output)),
    );
  inspect
    .command('dump <path>')
    .description('print what one TSM file, tombstone file or log segment holds')
    .option('--filter-key <text>', 'only keys that contain this text')
    .action((path: string, flags: DumpFlags) =>
      running(() => dump(path, flags, new NodeFileSystem(), output)),
    );
  withPlace('report', 'series, cardinality and bytes of each measurement')
    .option('--detailed', 'also fields, and values of each tag')
    .action((flags: CommonFlags & { detailed?: boolean }) =>
      running(() => report(flags, inspectedPlace(flags, environment), output)),
    );
  withPlace('export', 'points as line protocol for influx -import')
    .option('--metadir <path>', 'directory of meta.db (else meta beside the data directory)')
    .option('--start <time>', 'first time, RFC 3339 or nanoseconds')
    .option('--end <time>', 'last time')
    .option('--out <path>', 'file to write (else standard output)')
    .option('--compress', 'gzip the output, for influx -import -compressed')
    .action((flags: ExportFlags) =>
      running(() => exportData(flags, inspectedPlace(flags, environment), output)),
    );
}

async function run(work: () => Promise<number>, output: InspectOutput): Promise<void> {
  try {
    process.exitCode = await work();
  } catch (error) {
    if (!(error instanceof TidegateError)) throw error;
    output.stderr.write(`inspect: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}
