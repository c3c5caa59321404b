/** A logger that keeps what was said, for tests of what is reported. */
import type { LogFields, Logger } from '#kernel';

/** One line. */
export interface RecordedLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly phrase: string;
  readonly fields: LogFields;
}

/** See the header. Loggers made of it by `with` write to the same lines. */
export class RecordedLog implements Logger {
  constructor(
    readonly lines: RecordedLine[] = [],
    private readonly always: LogFields = {},
  ) {}

  debug(phrase: string, fields: LogFields = {}): void {
    this.add('debug', phrase, fields);
  }

  info(phrase: string, fields: LogFields = {}): void {
    this.add('info', phrase, fields);
  }

  warn(phrase: string, fields: LogFields = {}): void {
    this.add('warn', phrase, fields);
  }

  error(phrase: string, fields: LogFields = {}): void {
    this.add('error', phrase, fields);
  }

  with(fields: LogFields): Logger {
    return new RecordedLog(this.lines, { ...this.always, ...fields });
  }

  /** Warnings and errors: what an operator has to see. */
  get complaints(): readonly RecordedLine[] {
    return this.lines.filter(({ level }) => level === 'warn' || level === 'error');
  }

  private add(level: RecordedLine['level'], phrase: string, fields: LogFields): void {
    this.lines.push({ level, phrase, fields: { ...this.always, ...fields } });
  }
}
