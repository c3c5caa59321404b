/**
 * Answers of a remote read in one piece: `prometheus.ReadResponse` with one result, in one snappy block, which is compressed as it
 * grows. @see prometheus/prompb/remote.proto
 */
import { SnappyBuilder } from '#encoding';
import { MessageWriter, numberFieldBytes } from './message-writer.js';
import type { SampleReader } from './sample-reader.js';
import { type ReadBudget, type ScannedSeries, tooMuch } from './series-scan.js';

const FLOAT_FIELD_BYTES = 9;

/** An answer being put together. */
export class SamplesAnswer {
  private readonly builder = new SnappyBuilder();
  private readonly writer = new MessageWriter();
  private readonly head = new MessageWriter();

  /** @param sizeMaxBytes before compression */
  constructor(
    private readonly budget: ReadBudget,
    private readonly sizeMaxBytes: number,
  ) {}

  /** Begins a series. */
  start(series: ScannedSeries): void {
    const { writer } = this;
    writer.length = 0;
    for (const label of series.labels) writer.put(label);
  }

  /** Adds the first `count` samples that the reader holds. @throws InputError where the answer gets too large */
  addSamples(reader: SampleReader, count: number): void {
    const { writer, builder, budget, sizeMaxBytes } = this;
    budget.addSamples(count);
    for (let i = 0; i < count; i++) this.addSample(reader, i);
    if (builder.sizeBytes + writer.length > sizeMaxBytes)
      throw tooMuch(`exceeded response size (${sizeMaxBytes}, max-read-response-size)`);
  }

  /** Ends the series. */
  end(): void {
    const { writer, head, builder } = this;
    head.length = 0;
    head.startField(1, writer.length);
    builder.add(head.bytes, head.length);
    builder.add(writer.bytes, writer.length);
  }

  /** The answer's body. */
  finish(): Uint8Array {
    const { head, builder } = this;
    head.length = 0;
    head.startField(1, builder.sizeBytes);
    return builder.finish(head.bytes.subarray(0, head.length));
  }

  /** Zeros are left out, as proto3 has it; -0 is none. */
  private addSample({ words, timesMs }: SampleReader, i: number): void {
    const { writer } = this;
    const low = words[2 * i]!;
    const high = words[2 * i + 1]!;
    const ms = timesMs[i]!;
    const isZero = (low | high) === 0;
    writer.startField(2, (isZero ? 0 : FLOAT_FIELD_BYTES) + (ms === 0 ? 0 : numberFieldBytes(ms)));
    if (!isZero) writer.putFloat(1, low, high);
    if (ms !== 0) writer.putNumber(2, ms);
  }
}
