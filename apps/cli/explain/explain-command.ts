/** `tidegate explain`: what an input would make of something, without a server. */
import type { Command } from 'commander';
import { type Environment, findConfigFile, loadConfig, readConfigFile } from '#config';
import { explainGraphitePath } from '#inputs';
import { messageOf, TidegateError } from '#kernel';
import { configRegistry } from '../../tidegate/config-registry.js';

/** Where a command writes. */
export interface ExplainOutput {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Adds the command; it sets the process' exit code. */
export function addExplainCommand(
  program: Command,
  environment: Environment,
  output: ExplainOutput,
): void {
  program
    .command('explain')
    .description('show what an input makes of something; changes nothing')
    .command('graphite <path>')
    .description('which template a Graphite path gets on each listener, and the line that results')
    .option('--config <path>', 'configuration with the listeners (else as for run)')
    .action((path: string, flags: { config?: string }) => {
      try {
        output.stdout.write(explainGraphite(path, flags.config, environment));
      } catch (error) {
        if (!(error instanceof TidegateError)) throw error;
        output.stderr.write(`explain: ${messageOf(error)}\n`);
        process.exitCode = 1;
      }
    });
}

/** The explanation for the listeners that are enabled, or for all where none is. @throws ConfigError */
export function explainGraphite(
  path: string,
  configPath: string | undefined,
  environment: Environment,
): string {
  const toml = readConfigFile(findConfigFile(configPath, environment));
  // Other sections are of no interest, nor is what is wrong with them.
  const { config } = loadConfig({ graphite: configRegistry.graphite }, toml, environment);
  const enabled = config.graphite.filter(({ isEnabled }) => isEnabled);
  return (enabled.length > 0 ? enabled : config.graphite)
    .flatMap((listener) => [...explainGraphitePath(listener, path), ''])
    .join('\n');
}
