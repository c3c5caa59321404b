/** The inputs as a part of the server: makes them of the configuration through Nest, opens and closes them in order. */
import { type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { PointsWriter } from '#coordinator';
import { readTlsOptions } from '#httpd';
import {
  builtInInputs,
  type IngestLedger,
  type Input,
  type InputContext,
  InputError,
  inputTaker,
  type InputStatistics,
  Plugins,
  type PointSink,
  type RejectSink,
  type TakerSource,
  useHostModules,
} from '#inputs';
import { type ConfiguredInput, INPUTS, InputsModule } from '#inputs/module';
import { type Clock, type FileSystem, type Logger, messageOf, TidegateError } from '#kernel';
import type { MetaClient } from '#meta';
import type { Diagnostics } from '#monitor';
import type { ShapeTable } from '#models';
import type { Store } from '#tsdb';
import { configRegistry, type ServerConfig } from './config-registry.js';
import { inputDiagnostics } from './input-diagnostics.js';
import { seriesNames } from './series-names.js';
import type { ServerPart } from './server.js';
import { nestLogger } from './server-log.js';

/** What inputs stand on. */
export interface InputsPartOptions {
  readonly meta: MetaClient;
  readonly store: Store;
  readonly writer: PointsWriter;
  readonly shapes: ShapeTable;
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly logger: Logger;
  /** Where relative paths of plugins start. */
  readonly configFolder: string;
  /** Keeps what is rejected. */
  readonly rejects: RejectSink;
}

/** Refusals of storage that the same batch would get again. */
const PERMANENT = new Set([
  'coordinator.retention-policy-not-found',
  'coordinator.too-many-groups',
  'tsdb.field-type-conflict',
  'tsdb.database-replaced',
]);

const NO_BYTES = new Uint8Array(0);

/** All listeners that are enabled. */
export class InputsPart implements ServerPart {
  /** Within InfluxDB's text for a listener that cannot start: `open server: open service: …`. */
  readonly name = 'server: open service';
  private inputs: readonly Input[] = [];
  private configured: readonly ConfiguredInput[] = [];
  private application: INestApplicationContext | null = null;
  private readonly plugins: Plugins;

  constructor(
    private readonly config: ServerConfig,
    private readonly options: InputsPartOptions,
  ) {
    const { configFolder, logger } = options;
    this.plugins = new Plugins(config.plugin, configFolder, logger.with({ service: 'plugin' }));
  }

  /** Counters of all listeners. */
  statistics(): readonly InputStatistics[] {
    return this.inputs.flatMap((input) => input.statistics());
  }

  /** Makes the inputs, so that a configuration that cannot be used is told before anything listens. */
  readonly preparation: ServerPart = {
    name: this.name,
    open: async () => {
      const { plugins } = this;
      if (plugins.isUsed) {
        useHostModules();
        process.on('uncaughtException', this.onUncaught);
      }
      const configured = [...configuredInputs(this.config), ...(await plugins.load())];
      this.configured = configured;
      if (configured.length === 0) return;
      this.application = await NestFactory.createApplicationContext(
        InputsModule.forInputs(configured, this.context()),
        { logger: nestLogger(this.options.logger), abortOnError: false },
      );
      this.inputs = this.application.get<readonly Input[]>(INPUTS);
    },
    close: async () => {
      const { application } = this;
      this.inputs = [];
      this.application = null;
      await application?.close();
      process.removeListener('uncaughtException', this.onUncaught);
    },
  };

  /** The books of all listeners. */
  ledgers(): readonly IngestLedger[] {
    return this.inputs.map(({ ledger }) => ledger);
  }

  /** Takes what a listener has rejected once more; null where it is not there, or cannot. */
  readonly takerFor: TakerSource = (listener: string) => {
    const at = this.inputs.findIndex(({ ledger }) => ledger.listener === listener);
    const found = this.configured[at];
    if (found === undefined) return null;
    const { definition, config } = found;
    return inputTaker((context) => definition.create(config, context), this.context());
  };

  /** What plugins do, and who is connected. */
  diagnostics(): readonly Diagnostics[] {
    return inputDiagnostics(this.inputs, this.plugins.reports());
  }

  /** Takes up renewed certificates for new connections; those that do not load leave the old ones in place. */
  reload(): void {
    for (const input of this.inputs) {
      if (input.reloadCertificates === undefined) continue;
      const fields = { service: input.kind, addr: input.addresses().join(' ') };
      try {
        input.reloadCertificates();
        this.options.logger.info('Certificate reloaded', fields);
      } catch (error) {
        this.options.logger.error('Certificate could not be reloaded; the old one stays', {
          ...fields,
          error: messageOf(error),
        });
      }
    }
  }

  async open(): Promise<void> {
    try {
      for (const input of this.inputs) await input.open();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Closes all listeners, side by side: each stores what it has received. */
  async close(): Promise<void> {
    const ends = await Promise.allSettled(this.inputs.map((input) => input.close()));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  /** A plugin's faults go no further than here; anybody else's end the process, as they do without plugins. */
  private readonly onUncaught = (error: Error): void => {
    if (this.plugins.absorb(error)) return;
    process.stderr.write(`${error.stack ?? messageOf(error)}\n`);
    process.exit(1);
  };

  private context(): InputContext {
    const { clock, files, logger, shapes } = this.options;
    return {
      clock,
      files,
      logger,
      shapes,
      sink: pointSink(this.options),
      rejects: this.options.rejects,
      tlsOptions: (httpsCertificatePath, httpsPrivateKeyPath) =>
        readTlsOptions({ httpsCertificatePath, httpsPrivateKeyPath }, this.config.tls),
    };
  }
}

/** The enabled tables of all kinds of inputs. */
function configuredInputs(config: ServerConfig): readonly ConfiguredInput[] {
  const tablesOf = new Map(
    Object.entries(configRegistry).map(([name, section]) => [
      section as unknown,
      config[name as keyof ServerConfig] as unknown,
    ]),
  );
  return builtInInputs.flatMap((definition) => {
    const tables = tablesOf.get(definition.section) as readonly ConfiguredInput['config'][];
    return tables
      .filter((table) => table['isEnabled'] === true)
      .map((table) => ({ definition, config: table }));
  });
}

/** The way from inputs into storage. */
function pointSink({ meta, store, writer }: InputsPartOptions): PointSink {
  return {
    series: (database) => (meta.database(database) === undefined ? null : store.index(database)),
    areLinesWanted: (database) => writer.areLinesWanted(database),
    keyOf: (database, seriesId) =>
      meta.database(database) === undefined ? NO_BYTES : store.index(database).keyOf(seriesId),
    names: (database, kind, beginning, max) =>
      meta.database(database) === undefined
        ? []
        : seriesNames(store.index(database), kind, beginning, max),
    async ensureDatabase(database, retentionPolicy) {
      if (meta.database(database) === undefined) {
        if (retentionPolicy === '') await meta.createDatabase(database);
        else await meta.createDatabaseWithRetentionPolicy(database, { name: retentionPolicy });
      } else if (
        retentionPolicy !== '' &&
        meta.retentionPolicy(database, retentionPolicy) === undefined
      ) {
        await meta.execute({
          kind: 'create-retention-policy',
          database,
          spec: { name: retentionPolicy },
          isDefault: true,
        });
      }
    },
    async write(write) {
      try {
        return await writer.write(write);
      } catch (error) {
        if (error instanceof TidegateError && PERMANENT.has(error.code)) {
          throw new InputError('inputs.write-refused', messageOf(error), { cause: error });
        }
        throw error;
      }
    },
  };
}
