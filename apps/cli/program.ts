/** The commands of `tidegate`. Each is a function of its own; this file only names them and their flags. */
import { Command, type CommanderError } from 'commander';
import { REPORTED_VERSION, TIDEGATE_VERSION } from '#httpd';
import { messageOf } from '#kernel';
import { run } from '../tidegate/run.js';
import { addDeadLettersCommand } from './deadletters/dead-letters-command.js';
import { addExplainCommand } from './explain/explain-command.js';
import { addInspectCommand } from './inspect/inspect-command.js';
import { printConfig } from './print-config.js';

/** Command line of `tidegate`; sets the process' exit code. */
export function createProgram(environment: NodeJS.ProcessEnv): Command {
  const program = new Command('tidegate')
    .description('Configure and start a Tidegate server.')
    .usage('[[command] [arguments]]')
    .addHelpText(
      'after',
      '\n"run" is the default command.\n\nUse "tidegate [command] -help" for more information about a command.',
    )
    .helpOption('-h, --help', 'display this help message')
    .helpCommand('help [command]', 'display this help message')
    .enablePositionalOptions();
  program
    .command('run', { isDefault: true })
    .description('run node with existing configuration')
    .option(
      '--config <path>',
      'path of the configuration file (else TIDEGATE_CONFIG, INFLUXDB_CONFIG_PATH, ./tidegate.toml)',
    )
    .option('--pidfile <path>', 'write the process id to a file')
    .option('--cpuprofile <path>', 'known from InfluxDB; use node --cpu-prof')
    .option('--memprofile <path>', 'known from InfluxDB; use node --heap-prof')
    .option('--hostname <name>', 'known from InfluxDB; ignored')
    .action(async (options: { config?: string; pidfile?: string }) => {
      process.exitCode = await run(options, environment);
    });
  program
    .command('config')
    .description('display the default configuration')
    .option('--config <path>', 'configuration file to merge with the defaults')
    .action((options: { config?: string }) => {
      try {
        process.stdout.write(printConfig(options.config, environment));
      } catch (error) {
        process.stderr.write(`config: ${messageOf(error)}\n`);
        process.exitCode = 1;
      }
    });
  addDeadLettersCommand(program, { stdout: process.stdout, stderr: process.stderr });
  addExplainCommand(program, environment, { stdout: process.stdout, stderr: process.stderr });
  addInspectCommand(program, environment, { stdout: process.stdout, stderr: process.stderr });
  program
    .command('version')
    .description('displays the Tidegate version')
    .action(() => {
      process.stdout.write(`Tidegate v${TIDEGATE_VERSION} (InfluxDB ${REPORTED_VERSION})\n`);
    });
  program.exitOverride((error: CommanderError) => {
    process.exit(error.exitCode);
  });
  return program;
}
