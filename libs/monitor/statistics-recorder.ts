/**
 * Stores the statistics: every interval one point of each part in the database of the monitor, whose database and retention
 * policy are created when they are not there. A failure is logged and costs one record.
 * @see InfluxDB monitor.storeStatistics
 */
import type { LineWriter } from '#coordinator';
import { type Logger, messageOf } from '#kernel';
import type { MetaClient } from '#meta';
import { padBody } from '#models';
import type { Statistics, StatisticsRegistry } from './statistics.js';

/** What the recorder stands on. */
export interface StatisticsRecorderParts {
  readonly registry: Pick<StatisticsRegistry, 'collect'>;
  readonly meta: Pick<
    MetaClient,
    'database' | 'retentionPolicy' | 'createDatabaseWithRetentionPolicy' | 'execute'
  >;
  readonly lines: Pick<LineWriter, 'write'>;
  readonly logger: Logger;
  readonly database: string;
  readonly intervalMs: number;
  /** Tag of every point. */
  readonly hostname: string;
}

/** The retention policy of the statistics. Same as InfluxDB 1.x. */
const POLICY = {
  name: 'monitor',
  durationNs: 7n * 24n * 3_600_000_000_000n,
  shardGroupDurationNs: 24n * 3_600_000_000_000n,
  replicaN: 1,
};

/** Writes what the registry has. */
export class StatisticsRecorder {
  constructor(private readonly parts: StatisticsRecorderParts) {}

  /** Milliseconds between two records. */
  get intervalMs(): number {
    return this.parts.intervalMs;
  }

  /** Stores one record, at the beginning of the interval that `nowNs` is in. Never rejects. */
  async run(nowNs: bigint): Promise<void> {
    const { registry, lines, logger, database, intervalMs, hostname } = this.parts;
    const intervalNs = BigInt(Math.max(1, Math.round(intervalMs))) * 1_000_000n;
    const timeNs = nowNs - (nowNs % intervalNs);
    try {
      await this.ensureDatabase();
      const text = statisticsText(registry.collect(), hostname, timeNs);
      const bytes = new TextEncoder().encode(text);
      const { rejectedCount, dropped, rejected, reason } = await lines.write({
        database,
        retentionPolicy: POLICY.name,
        precision: 'ns',
        body: padBody(bytes),
        length: bytes.length,
        source: { listener: 'monitor', peer: '' },
      });
      if (rejectedCount + dropped > 0) {
        logger.warn('failed to store statistics', {
          error: rejected[0]?.reason ?? reason,
          points: rejectedCount + dropped,
        });
      }
    } catch (error) {
      logger.warn('failed to store statistics', { error: messageOf(error) });
    }
  }

  private async ensureDatabase(): Promise<void> {
    const { meta, database } = this.parts;
    if (meta.database(database) === undefined) {
      await meta.createDatabaseWithRetentionPolicy(database, POLICY);
    } else if (meta.retentionPolicy(database, POLICY.name) === undefined) {
      await meta.execute({
        kind: 'create-retention-policy',
        database,
        spec: POLICY,
        isDefault: true,
      });
    }
  }
}

/** The statistics as line protocol. */
export function statisticsText(
  all: readonly Statistics[],
  hostname: string,
  timeNs: bigint,
): string {
  const lines: string[] = [];
  for (const { name, tags, values } of all) {
    const fields = Object.entries(values).map(([key, value]) => `${escape(key)}=${value}i`);
    if (fields.length === 0) continue;
    const tagTexts = Object.entries({ ...tags, hostname })
      .filter(([, value]) => value !== '')
      .map(([key, value]) => `,${escape(key)}=${escape(value)}`)
      .sort();
    const measurement = name.replace(/[, ]/g, '\\$&');
    lines.push(`${measurement}${tagTexts.join('')} ${fields.join(',')} ${timeNs}`);
  }
  return lines.join('\n');
}

const escape = (text: string): string => text.replace(/[,= ]/g, '\\$&');
