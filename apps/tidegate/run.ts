/**
 * `tidegate run`: reads the configuration, opens the server, waits for a signal, closes it.
 * @see InfluxDB cmd/influxd/main.go
 */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findConfigFile, loadConfig, readConfigFile } from '#config';
import { TIDEGATE_VERSION } from '#httpd';
import { type Logger, messageOf } from '#kernel';
import { compose } from './compose.js';
import { configRegistry } from './config-registry.js';
import { Server } from './server.js';
import { createLogger } from './server-log.js';

/** Flags of the command. */
export interface RunOptions {
  readonly config?: string | undefined;
  readonly pidfile?: string | undefined;
}

/** How long a clean shutdown may take. Same as InfluxDB 1.x. */
const SHUTDOWN_MAX_MS = 30_000;

/** Runs the server until a signal ends it; resolves with the exit code. */
export async function run(options: RunOptions, environment: NodeJS.ProcessEnv): Promise<number> {
  let logger = createLogger({ format: 'auto', level: 'info' });
  try {
    const path = findConfigFile(options.config, environment);
    const { config, warnings } = loadConfig(configRegistry, readConfigFile(path), environment);
    logger = createLogger(config.logging);
    logger.info('Tidegate starting', {
      version: TIDEGATE_VERSION,
      node: process.version,
      config: path ?? 'defaults',
    });
    for (const warning of warnings) logger.warn(warning);
    if (options.pidfile !== undefined) writeFileSync(options.pidfile, String(process.pid));
    const folder = path === null ? process.cwd() : dirname(resolve(path));
    const { parts, progress, http, inputs } = compose(config, logger, folder);
    const server = new Server(parts, logger);
    const stopped = untilSignal(logger);
    process.on('SIGHUP', () => {
      http.reload();
      inputs.reload();
    });
    await server.open((name, done, total) => progress.enter(name, done, total));
    progress.finish();
    logger.info('Listening for signals');
    await stopped;
    progress.leave();
    await server.close();
    logger.info('Server shutdown completed');
    return 0;
  } catch (error) {
    logger.error('run failed', { error: messageOf(error) });
    process.stderr.write(`run: ${messageOf(error)}\n`);
    return 1;
  } finally {
    if (options.pidfile !== undefined) rmSync(options.pidfile, { force: true });
  }
}

/** Resolves at the first SIGINT or SIGTERM; a second one, or too long a shutdown, ends the process. */
function untilSignal(logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    let hasSignal = false;
    const onSignal = (): void => {
      if (hasSignal) {
        logger.info('Second signal received, initializing hard shutdown');
        process.exit(1);
      }
      hasSignal = true;
      logger.info('Signal received, initializing clean shutdown...');
      logger.info('Waiting for clean shutdown...');
      setTimeout(() => {
        logger.info('Time limit reached, initializing hard shutdown');
        process.exit(1);
      }, SHUTDOWN_MAX_MS).unref();
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
