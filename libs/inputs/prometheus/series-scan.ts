/**
 * The series that a remote read asks for, in order of measurements and keys, with their labels as they go into an answer. Every
 * distinct tag value is tested and encoded once.
 */
import { InputError } from '../shared/errors.js';
import type { SeriesMatchers, ValueTest } from './label-matchers.js';
import { fieldBytes, MessageWriter } from './message-writer.js';
import type { Pace } from './pace.js';
import type { FoundSeriesList, SeriesView } from './ports.js';
import { type ShardFields, shardFieldsOf } from './sample-reader.js';
import type { PrometheusStatistics } from './statistics.js';

/** A series of a measurement. Valid until the next is asked for. */
export interface ScannedSeries {
  readonly measurement: string;
  readonly seriesId: number;
  /** Where its values may be, in order of time. */
  readonly shards: readonly ShardFields[];
  /** Bytes of its labels, as `repeated Label labels = 1`. */
  readonly labels: readonly Uint8Array[];
  readonly labelsLength: number;
}

/** What a scan works with. */
export interface SeriesScanParts {
  readonly view: SeriesView;
  readonly matchers: SeriesMatchers;
  readonly pace: Pace;
  readonly statistics: PrometheusStatistics;
}

/** Label fields of one tag by the number of its value. */
class LabelColumn {
  private readonly encoded = new Map<number, Uint8Array>();

  constructor(
    private readonly key: string,
    private readonly series: FoundSeriesList,
    readonly valueIds: Int32Array,
  ) {}

  /** The label of a value that is there. */
  label(valueId: number): Uint8Array {
    let label = this.encoded.get(valueId);
    if (label === undefined) {
      label = encodeLabel(this.key, this.series.tagValueOf(this.key, valueId));
      this.encoded.set(valueId, label);
    }
    return label;
  }
}

function encodeLabel(name: string, value: string): Uint8Array {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value);
  const writer = new MessageWriter();
  writer.startField(1, fieldBytes(nameBytes.length) + fieldBytes(valueBytes.length));
  writer.startField(1, nameBytes.length);
  writer.put(nameBytes);
  writer.startField(2, valueBytes.length);
  writer.put(valueBytes);
  return writer.bytes.slice(0, writer.length);
}

/** All series that match. @throws InputError when the read is to end */
export async function* scanSeries(parts: SeriesScanParts): AsyncGenerator<ScannedSeries> {
  const { view, matchers, pace, statistics } = parts;
  if (!matchers.isPossible) return;
  for (const measurement of measurementsOf(view, matchers)) {
    if (pace.isTurnOver) await pace.rest();
    const shards = shardFieldsOf(view.shards, measurement, () => statistics.readStringsSkipped++);
    if (shards.length === 0) continue;
    const series = view.series(measurement, matchers.equals);
    if (series.count === 0) continue;
    const accepted = acceptedSeries(series, matchers.tests);
    const columns = view
      .tagKeys(measurement)
      .map((key) => new LabelColumn(key, series, series.tagValueIds(key)));
    for (let i = 0; i < series.count; i++) {
      if (accepted !== null && accepted[i] === 0) continue;
      const labels: Uint8Array[] = [];
      let labelsLength = 0;
      for (const column of columns) {
        const valueId = column.valueIds[i]!;
        if (valueId === 0) continue;
        const label = column.label(valueId);
        labels.push(label);
        labelsLength += label.length;
      }
      yield { measurement, seriesId: series.ids[i]!, shards, labels, labelsLength };
      if (pace.isTurnOver) await pace.rest();
    }
  }
}

function measurementsOf(view: SeriesView, matchers: SeriesMatchers): readonly string[] {
  if (matchers.measurement !== null) return [matchers.measurement];
  return view.measurementNames().filter(matchers.isMeasurement);
}

/** Byte i is 1 where series i passes all tests; null where there are none. */
function acceptedSeries(
  series: FoundSeriesList,
  tests: readonly { readonly key: string; readonly test: ValueTest }[],
): Uint8Array | null {
  if (tests.length === 0) return null;
  const accepted = new Uint8Array(series.count).fill(1);
  for (const { key, test } of tests) {
    const valueIds = series.tagValueIds(key);
    const verdicts = new Map<number, boolean>();
    for (let i = 0; i < series.count; i++) {
      const valueId = valueIds[i]!;
      let isMatch = verdicts.get(valueId);
      if (isMatch === undefined) {
        isMatch = test(valueId === 0 ? '' : series.tagValueOf(key, valueId));
        verdicts.set(valueId, isMatch);
      }
      if (!isMatch) accepted[i] = 0;
    }
  }
  return accepted;
}

/** Counts what an answer holds against its limits. */
export class ReadBudget {
  series = 0;
  samples = 0;

  /** 0 for no limit. */
  constructor(
    private readonly seriesMax: number,
    private readonly samplesMax: number,
  ) {}

  /** @throws InputError when there are too many */
  addSeries(): void {
    this.series++;
    if (this.seriesMax > 0 && this.series > this.seriesMax)
      throw tooMuch(`exceeded series limit (${this.seriesMax}, max-series-per-read)`);
  }

  /** @throws InputError when there are too many */
  addSamples(count: number): void {
    this.samples += count;
    if (this.samplesMax > 0 && this.samples > this.samplesMax)
      throw tooMuch(`exceeded sample limit (${this.samplesMax}, max-samples-per-read)`);
  }
}

/** An answer that has more than it may. Prometheus answers 400 too. */
export function tooMuch(text: string): InputError {
  return new InputError('inputs.bad-request', text);
}
