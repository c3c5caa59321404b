/** The counters of all parts in Prometheus' text format, with Node's own beside them. */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { StatisticsEntry, StatisticsSource } from './ports.js';

/** Renders /metrics. */
export class MetricsText {
  private readonly registry = new Registry();
  private readonly gauges = new Map<string, Gauge>();

  constructor(private readonly source: StatisticsSource) {}

  /** Begins to observe the runtime. */
  open(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  close(): void {
    this.registry.clear();
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  render(): Promise<string> {
    for (const gauge of this.gauges.values()) gauge.reset();
    for (const entry of this.source.collect()) this.set(entry);
    return this.registry.metrics();
  }

  private set(entry: StatisticsEntry): void {
    const labelNames = Object.keys(entry.tags).map(metricWord);
    const labels = Object.fromEntries(
      Object.entries(entry.tags).map(([key, value]) => [metricWord(key), value]),
    );
    for (const [field, value] of Object.entries(entry.values)) {
      if (typeof value !== 'number' && typeof value !== 'bigint') continue;
      const name = `tidegate_${metricWord(entry.name)}_${metricWord(field)}`;
      let gauge = this.gauges.get(name);
      if (gauge === undefined) {
        gauge = new Gauge({
          name,
          help: `${entry.name} ${field}`,
          labelNames,
          registers: [this.registry],
        });
        this.gauges.set(name, gauge);
      }
      gauge.set(labels, Number(value));
    }
  }
}

/** `pointsWrittenOK` as `points_written_ok`. */
function metricWord(word: string): string {
  return word
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}
