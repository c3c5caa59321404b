/**
 * The counters of all parts in Prometheus' text format. Numbers that differ in tags without a label are added up; what a shard
 * that is no more had counted stays in the sum, so that counters never go back.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Statistics } from '../statistics.js';
import { metricsOf, metricWord } from './metric-catalog.js';
import type { MetricDefinition } from './metric-definition.js';

/** Sets of labels that one metric may have; beyond, what comes goes under {@link OTHER}. */
export const LABEL_SETS_MAX = 500;
/** Value of every label of what has no set of its own. */
export const OTHER = 'other';

/** One metric and its sets of labels. */
interface Family {
  readonly definition: MetricDefinition;
  /** By the text of the labels. */
  readonly samples: Map<string, Sample>;
}

/** One set of labels. */
interface Sample {
  value: number;
  /** What sources that are no more had counted. */
  retired: number;
  /** Counters by source, as they were last. */
  seen: Map<string, number>;
  now: Map<string, number>;
}

/** Turns statistics into metrics. Remembers counters from one call to the next. */
export class StatisticsMetrics {
  private readonly families = new Map<string, Family>();

  /** The text for the numbers as they are now. */
  render(all: readonly Statistics[]): string {
    for (const { samples } of this.families.values()) {
      for (const sample of samples.values()) {
        sample.seen = sample.now;
        sample.now = new Map();
        sample.value = 0;
      }
    }
    for (const entry of all) this.take(entry);
    let text = '';
    for (const [name, { definition, samples }] of this.families) {
      let lines = '';
      for (const [labels, sample] of samples) {
        const isCounter = definition.type === 'counter';
        if (isCounter) this.retire(sample);
        // A value that nobody has any more is gone; what was counted stays.
        if (!isCounter && sample.now.size === 0) samples.delete(labels);
        else lines += `${name}${labels} ${(sample.value + sample.retired) * definition.scale}\n`;
      }
      if (lines !== '')
        text += `# HELP ${name} ${definition.help}\n# TYPE ${name} ${definition.type}\n${lines}`;
    }
    return text;
  }

  private take({ name, tags, values }: Statistics): void {
    const metrics = metricsOf(name, tags);
    if (metrics.isSilent) return;
    const partLabels: Record<string, string> = { ...metrics.constants };
    for (const [tag, label] of Object.entries(metrics.labels)) {
      const value = tags[tag];
      if (value !== undefined) partLabels[label] = value;
    }
    const source = Object.values(tags).join('\0');
    for (const [field, value] of Object.entries(values)) {
      const listed = metrics.fields[field];
      if (listed === null) continue;
      const definition = listed ?? unlisted(name, field);
      this.add(definition, { ...partLabels, ...definition.labels }, `${source}\0${field}`, value);
    }
  }

  private add(
    definition: MetricDefinition,
    labels: Readonly<Record<string, string>>,
    source: string,
    value: number,
  ): void {
    let family = this.families.get(definition.name);
    if (family === undefined) {
      family = { definition, samples: new Map() };
      this.families.set(definition.name, family);
    }
    const { samples } = family;
    let key = labelText(labels);
    if (!samples.has(key) && samples.size >= LABEL_SETS_MAX)
      key = labelText(Object.fromEntries(Object.keys(labels).map((label) => [label, OTHER])));
    let sample = samples.get(key);
    if (sample === undefined) {
      sample = { value: 0, retired: 0, seen: new Map(), now: new Map() };
      samples.set(key, sample);
    }
    sample.value += value;
    sample.now.set(source, (sample.now.get(source) ?? 0) + value);
  }

  private retire(sample: Sample): void {
    for (const [source, value] of sample.seen) if (!sample.now.has(source)) sample.retired += value;
  }
}

/** The metric of a number that the catalog does not have. */
function unlisted(part: string, field: string): MetricDefinition {
  const isNanoseconds = field.endsWith('Ns');
  const word = metricWord(isNanoseconds ? `${field.slice(0, -2)}Seconds` : field);
  return {
    name: `tidegate_${metricWord(part)}_${word}`,
    help: `Number ${field} of ${part}.`,
    type: 'gauge',
    scale: isNanoseconds ? 1e-9 : 1,
    labels: {},
  };
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** `{a="b",c="d"}`, or nothing. */
function labelText(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(
    ([label, value]) => `${label}="${value.replace(/[\\"\n]/g, (c) => ESCAPES[c] ?? c)}"`,
  );
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}
