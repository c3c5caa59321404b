/** The server's log: the Logger port over pino, as logfmt lines (InfluxDB 1.x's form) or JSON on standard error. */
import { pino, type Logger as Pino } from 'pino';
import type { LoggerService } from '@nestjs/common';
import type { LogFields, Logger } from '#kernel';
import type { LoggingConfig } from './server.config.js';

/** A logger for the whole server. */
export function createLogger(config: Pick<LoggingConfig, 'format' | 'level'>): Logger {
  const write = (line: string): void =>
    void process.stderr.write(config.format === 'json' ? line : toLogfmt(line));
  const options = {
    level: config.level,
    base: null,
    timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ lvl: label }) },
  };
  return new PinoLogger(pino(options, { write }));
}

class PinoLogger implements Logger {
  constructor(private readonly pino: Pino) {}

  debug(phrase: string, fields?: LogFields): void {
    this.pino.debug(plain(fields), phrase);
  }

  info(phrase: string, fields?: LogFields): void {
    this.pino.info(plain(fields), phrase);
  }

  warn(phrase: string, fields?: LogFields): void {
    this.pino.warn(plain(fields), phrase);
  }

  error(phrase: string, fields?: LogFields): void {
    this.pino.error(plain(fields), phrase);
  }

  with(fields: LogFields): Logger {
    return new PinoLogger(this.pino.child(plain(fields)));
  }
}

/** Integers of 64 bits as text: JSON has none. */
function plain(fields: LogFields = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? value.toString() : value,
    ]),
  );
}

/** A line of JSON as `ts=… lvl=… msg=… key=value`. */
function toLogfmt(line: string): string {
  const { ts, lvl, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const pairs = Object.entries({ ts, lvl, msg, ...rest }).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return `${pairs.map(([name, value]) => `${name}=${logfmtValue(String(value))}`).join(' ')}\n`;
}

const logfmtValue = (text: string): string =>
  /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);

/** Nest's own messages: its start-up chatter is dropped, its warnings and errors are ours. */
export function nestLogger(logger: Logger): LoggerService {
  return {
    log: () => undefined,
    debug: () => undefined,
    verbose: () => undefined,
    warn: (message: unknown) => logger.warn(String(message), { service: 'nest' }),
    error: (message: unknown) => logger.error(String(message), { service: 'nest' }),
    fatal: (message: unknown) => logger.error(String(message), { service: 'nest' }),
  };
}
