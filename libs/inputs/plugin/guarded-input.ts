/**
 * An input whose code is not ours, behind a guard: whatever it throws, rejects with or leaves undone is logged, counted and goes no
 * further. Its code runs in a scope of its own, by which what it throws later, in timers and sockets, is known to be its fault.
 */
import { type Logger, messageOf } from '#kernel';
import { InputError } from '../shared/errors.js';
import { faultScope } from '../shared/fault-scope.js';
import type { Input, InputContext, InputStatistics } from '../shared/input.js';
import { IngestLedger } from '../shared/ingest-ledger.js';
import { LimitedLog } from '../shared/limited-log.js';
import type { PointSink } from '../shared/point-sink.js';
import { withTimeout } from './load-plugin.js';

/** How long opening and closing may take. */
export const PLUGIN_OPEN_MS_MAX = 10_000;
export const PLUGIN_CLOSE_MS_MAX = 5_000;

/** What a plugin is doing. */
export type PluginState = 'closed' | 'open' | 'failed';

/** What a guard is made of. */
export interface GuardedInputParts {
  /** As the configuration names it. */
  readonly packageName: string;
  /** What its files begin with, '' where not known. */
  readonly root: string;
  readonly context: InputContext;
  /** Makes it. @throws whatever the plugin throws */
  create(context: InputContext): Input;
  /** For tests; {@link PLUGIN_OPEN_MS_MAX} and its like otherwise. */
  readonly openMsMax?: number;
  readonly closeMsMax?: number;
}

/** See the header. None of its methods throws. */
export class GuardedInput implements Input {
  readonly kind = 'plugin';
  /** The plugin's own, or an empty one where it has none. */
  readonly ledger: IngestLedger;
  /** What went wrong last, '' for nothing. */
  lastError = '';
  /** True for one that replays and never listens. */
  isForReplay = false;
  /** Errors that its code has let go. */
  faults = 0;
  private state_: PluginState = 'closed';
  private readonly input: Input | null;
  private readonly logger: Logger;
  private readonly faultLog: LimitedLog;

  constructor(private readonly parts: GuardedInputParts) {
    const { packageName, context } = parts;
    this.logger = context.logger.with({ plugin: packageName });
    this.faultLog = new LimitedLog(this.logger, context.clock);
    this.input = this.create();
    this.ledger = this.input?.ledger ?? new IngestLedger(`plugin ${packageName}`, context.clock);
  }

  get packageName(): string {
    return this.parts.packageName;
  }

  get state(): PluginState {
    return this.state_;
  }

  /** Resolves when the plugin listens, or has failed to. */
  async open(): Promise<void> {
    const { input, parts } = this;
    if (input === null || this.state_ === 'open') return;
    try {
      const opened = faultScope.run(this, () => input.open());
      const timeoutMs = parts.openMsMax ?? PLUGIN_OPEN_MS_MAX;
      await withTimeout(Promise.resolve(opened), timeoutMs, 'its open() did not end');
      this.state_ = 'open';
      this.lastError = '';
    } catch (error) {
      this.fail('Plugin could not be opened', error);
      await this.closeInput();
    }
  }

  /** Resolves when the plugin has closed, or has had its time to. */
  async close(): Promise<void> {
    if (this.state_ === 'failed') return;
    this.state_ = 'closed';
    await this.closeInput();
  }

  addresses(): readonly string[] {
    return this.state_ === 'open' ? this.ask((input) => [...input.addresses()], []) : [];
  }

  /** The plugin's counters, those that are counters, and the guard's. */
  statistics(): readonly InputStatistics[] {
    const { faults, packageName } = this;
    const values = { isOpen: this.state_ === 'open' ? 1 : 0, faults };
    const own = { name: 'plugin', tags: { package: packageName }, values };
    return [own, ...this.ask((input) => input.statistics().flatMap(soundStatistics), [])];
  }

  /** Takes a piece of input once more; see Input.replay. */
  async replay(
    raw: Uint8Array,
    peer: string,
    target?: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { input } = this;
    this.isForReplay = true;
    if (input?.replay === undefined) {
      throw new InputError('inputs.no-replay', `plugin ${this.packageName} cannot replay`);
    }
    await faultScope.run(this, () => input.replay?.(raw, peer, target));
  }

  /** Notes an error that the plugin's code has let go. */
  note(error: unknown): void {
    this.faults++;
    this.lastError = messageOf(error);
    this.faultLog.info('Plugin failed; Tidegate goes on', {
      error: this.lastError,
      ...(error instanceof Error && { stack: error.stack }),
    });
  }

  /** Whether an error was thrown by its files. */
  hasThrown(error: unknown): boolean {
    const { root } = this.parts;
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    return root !== '' && (stack.includes(`${root}/`) || stack.includes(`${root}:`));
  }

  private create(): Input | null {
    const { context, create } = this.parts;
    try {
      const input = faultScope.run(this, () =>
        create({ ...context, logger: this.logger, sink: outsideScope(context.sink) }),
      );
      if (typeof input.open !== 'function' || typeof input.ledger.snapshot !== 'function') {
        throw new InputError('inputs.plugin', 'create() did not return an input');
      }
      return input;
    } catch (error) {
      this.fail('Plugin could not be created', error);
      return null;
    }
  }

  private async closeInput(): Promise<void> {
    const { input, parts } = this;
    try {
      const closed = faultScope.run(this, () => input?.close());
      const timeoutMs = parts.closeMsMax ?? PLUGIN_CLOSE_MS_MAX;
      await withTimeout(Promise.resolve(closed), timeoutMs, 'its close() did not end');
    } catch (error) {
      this.fail('Plugin did not close cleanly', error);
    }
  }

  private fail(phrase: string, error: unknown): void {
    this.faults++;
    // What came first matters most.
    if (this.state_ !== 'failed') this.lastError = messageOf(error);
    this.state_ = 'failed';
    this.logger.error(phrase, { error: messageOf(error) });
  }

  private ask<T>(question: (input: Input) => T, otherwise: T): T {
    if (this.input === null) return otherwise;
    try {
      return question(this.input);
    } catch (error) {
      this.note(error);
      return otherwise;
    }
  }
}

/** What storage does for a plugin is not done in the plugin's scope: its faults are ours. */
function outsideScope(sink: PointSink): PointSink {
  return {
    series: (database) => sink.series(database),
    areLinesWanted: (database) => sink.areLinesWanted?.(database) === true,
    keyOf: (database, seriesId) => sink.keyOf(database, seriesId),
    names: (database, kind, beginning, max) => sink.names(database, kind, beginning, max),
    ensureDatabase: (database, policy) =>
      faultScope.exit(() => sink.ensureDatabase(database, policy)),
    write: (write) => faultScope.exit(() => sink.write(write)),
  };
}

/** An entry with those of its values that are whole numbers; none where there is nothing to count. */
function soundStatistics(entry: InputStatistics): readonly InputStatistics[] {
  const values = Object.entries(entry.values).filter(([, value]) => Number.isFinite(value));
  if (typeof entry.name !== 'string' || values.length === 0) return [];
  const rounded = values.map(([name, value]) => [name, Math.trunc(value)] as const);
  const tags = Object.entries(entry.tags).map(([name, value]) => [name, String(value)] as const);
  return [
    { name: entry.name, tags: Object.fromEntries(tags), values: Object.fromEntries(rounded) },
  ];
}
