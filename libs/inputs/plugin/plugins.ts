/**
 * The plugins of a configuration: loads each, checks its table against its section, and makes a guarded input of it. One that
 * cannot be loaded is reported and left out.
 */
import { loadTable } from '#config';
import { InvariantError, type Logger, messageOf } from '#kernel';
import { faultScope } from '../shared/fault-scope.js';
import type { InputContext, InputDefinition } from '../shared/input.js';
import { GuardedInput, type PluginState } from './guarded-input.js';
import { loadPlugin } from './load-plugin.js';
import type { PluginConfig } from './plugin.config.js';

/** A plugin, as diagnostics show it. */
export interface PluginReport {
  readonly packageName: string;
  readonly state: PluginState | 'not loaded';
  readonly addresses: readonly string[];
  /** What went wrong last, '' for nothing. */
  readonly error: string;
  readonly faults: number;
}

/** A plugin ready to be made, in the form in which built-in inputs are registered. */
export interface RegisteredPlugin {
  readonly definition: InputDefinition;
  readonly config: Parameters<InputDefinition['create']>[0];
}

/** The plugins of one server. */
export class Plugins {
  private inputs: GuardedInput[] = [];
  private readonly missing: PluginReport[] = [];

  /**
   * @param tables the `[[plugin]]` tables
   * @param configFolder where relative paths start
   */
  constructor(
    private readonly tables: readonly PluginConfig[],
    private readonly configFolder: string,
    private readonly logger: Logger,
  ) {}

  /** Whether any is configured. */
  get isUsed(): boolean {
    return this.tables.some(({ packageName, isEnabled }) => isEnabled && packageName !== '');
  }

  /** Loads all that are enabled. Never rejects: what fails is logged and shows in {@link reports}. */
  async load(): Promise<readonly RegisteredPlugin[]> {
    this.inputs = [];
    this.missing.length = 0;
    const loaded: RegisteredPlugin[] = [];
    for (const table of this.tables) {
      if (!table.isEnabled || table.packageName === '') continue;
      try {
        loaded.push(await this.loadOne(table));
      } catch (error) {
        const { packageName } = table;
        const text = messageOf(error);
        this.logger.error('Plugin could not be loaded', { plugin: packageName, error: text });
        this.missing.push({
          packageName,
          state: 'not loaded',
          addresses: [],
          error: text,
          faults: 1,
        });
      }
    }
    return loaded;
  }

  reports(): readonly PluginReport[] {
    const listening = this.inputs.filter(({ isForReplay }) => !isForReplay);
    const made = listening.map((input) => ({
      packageName: input.packageName,
      state: input.state,
      addresses: input.addresses(),
      error: input.lastError,
      faults: input.faults,
    }));
    return [...made, ...this.missing];
  }

  /** Takes an error that nobody has caught, where it is a plugin's. @returns whether it was */
  absorb(error: unknown): boolean {
    const owner = faultScope.getStore();
    const guilty =
      this.inputs.find((input) => input.hasThrown(error) && (owner ?? input) === input) ??
      // A broken invariant of our own is not its fault, wherever it shows.
      this.inputs.find((input) => input === owner && !(error instanceof InvariantError));
    guilty?.note(error);
    if (guilty !== undefined || this.inputs.length === 0 || !isOfSocket(error))
      return guilty !== undefined;
    // A socket without a listener for its errors. None of ours is.
    this.logger.error("Error of a socket that nobody handles, most likely a plugin's", {
      error: messageOf(error),
    });
    return true;
  }

  private async loadOne({ packageName, others }: PluginConfig): Promise<RegisteredPlugin> {
    const { definition, root } = await loadPlugin(packageName, this.configFolder);
    const { values, warnings } = loadTable(definition.section, others);
    for (const warning of warnings) this.logger.warn(warning, { plugin: packageName });
    return {
      definition: {
        section: definition.section,
        create: (config, context: InputContext) => {
          const create = (given: InputContext) => definition.create(config, given);
          const input = new GuardedInput({ packageName, root, context, create });
          this.inputs = [...this.inputs.filter(({ isForReplay }) => !isForReplay), input];
          return input;
        },
      },
      // Its table stands in the file: it is wanted.
      config: { ...values, isEnabled: true },
    };
  }
}

/** Whether it is the system's, told of a socket or file, with nobody's code on its way. */
function isOfSocket(error: unknown): boolean {
  if (!(error instanceof Error) || !('syscall' in error)) return false;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return frames.every((line) => line.includes('node:'));
}
