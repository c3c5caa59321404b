/** How counters of a part become metrics of Prometheus: their names, units and labels. */

/** One metric. */
export interface MetricDefinition {
  /** Ends with its unit; a counter with `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** What the part's number is multiplied by to be in the metric's unit. */
  readonly scale: number;
  /** Labels besides those of the part. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The metrics of one part. */
export interface PartMetrics {
  /** Label by tag; what differs in other tags only is added up. */
  readonly labels: Readonly<Record<string, string>>;
  /** By the name of the part's number. Null: there is another metric that says it. */
  readonly fields: Readonly<Record<string, MetricDefinition | null>>;
}

/** A count that only grows. */
export const counter = (
  name: string,
  help: string,
  labels: Readonly<Record<string, string>> = {},
): MetricDefinition => ({
  name: `tidegate_${name}_total`,
  help,
  type: 'counter',
  scale: 1,
  labels,
});

/** A value that goes up and down. */
export const gauge = (name: string, help: string): MetricDefinition => ({
  name: `tidegate_${name}`,
  help,
  type: 'gauge',
  scale: 1,
  labels: {},
});

/** A sum of durations, which the part counts in nanoseconds. */
export const secondsCounter = (
  name: string,
  help: string,
  labels: Readonly<Record<string, string>> = {},
): MetricDefinition => ({
  name: `tidegate_${name}_seconds_total`,
  help,
  type: 'counter',
  scale: 1e-9,
  labels,
});
