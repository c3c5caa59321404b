/**
 * MessagePack answers. Lists carry their length in front, so a document is put together once it is complete.
 * @see InfluxDB services/httpd msgpackFormatter: times without `epoch` are extension 5 (8 bytes seconds, 4 nanoseconds)
 */
import { Encoder } from '@msgpack/msgpack';
import type { ResultColumn, ResultSeries } from '#query';
import { ByteSink } from './byte-sink.js';
import type { ResultEncoder, ResultEnd } from './result-encoder.js';

interface SeriesParts {
  readonly head: Uint8Array;
  readonly fieldCount: number;
  readonly rows: ByteSink;
  rowCount: number;
  isPartial: boolean;
}

const packer = new Encoder({ useBigInt64: true });

/** See {@link ResultEncoder}. */
export class MsgpackEncoder implements ResultEncoder {
  readonly contentType = 'application/x-msgpack';
  readonly sink = new ByteSink();
  readonly isPlainText = false;
  private results: Uint8Array[] = [];
  private series: SeriesParts[] = [];
  private statementId = 0;

  /** @param epochUnitNs nanoseconds of the unit of times, null for the time extension */
  constructor(private readonly epochUnitNs: bigint | null) {}

  beginDocument(): void {
    this.results = [];
  }

  beginResult(statementId: number): void {
    this.statementId = statementId;
    this.series = [];
  }

  restartResult(): boolean {
    this.series = [];
    return true;
  }

  beginSeries(series: ResultSeries): void {
    const head = new ByteSink();
    let fieldCount = 2;
    if (series.name !== '') {
      fieldCount++;
      head.raw(packer.encode('name'));
      head.raw(packer.encode(series.name));
    }
    if (series.tags !== null && series.tags.length > 0) {
      fieldCount++;
      head.raw(packer.encode('tags'));
      head.raw(packer.encode(Object.fromEntries(series.tags.map((tag) => [tag.key, tag.value]))));
    }
    head.raw(packer.encode('columns'));
    head.raw(packer.encode(series.columns));
    head.raw(packer.encode('values'));
    this.series.push({
      head: head.drain(),
      fieldCount,
      rows: new ByteSink(),
      rowCount: 0,
      isPartial: false,
    });
  }

  rows(series: ResultSeries, from: number, to: number): void {
    const parts = this.series[this.series.length - 1];
    for (let row = from; row < to; row++) {
      arrayHead(parts.rows, series.data.length);
      for (const column of series.data) writeCell(parts.rows, column, row, this.epochUnitNs);
    }
    parts.rowCount += to - from;
  }

  endSeries(isPartial: boolean): void {
    this.series[this.series.length - 1].isPartial = isPartial;
  }

  endResult({ error, messages, isPartial }: ResultEnd): void {
    const out = new ByteSink();
    if (error !== null) {
      this.results.push(packer.encode({ error }));
      return;
    }
    mapHead(out, 2 + (messages.length > 0 ? 1 : 0) + (isPartial ? 1 : 0));
    out.raw(packer.encode('statement_id'));
    out.raw(packer.encode(this.statementId));
    if (messages.length > 0) {
      out.raw(packer.encode('messages'));
      out.raw(packer.encode(messages.map(({ level, text }) => ({ level, text }))));
    }
    out.raw(packer.encode('series'));
    arrayHead(out, this.series.length);
    for (const parts of this.series) {
      mapHead(out, parts.fieldCount + (parts.isPartial ? 1 : 0));
      out.raw(parts.head);
      arrayHead(out, parts.rowCount);
      out.raw(parts.rows.view());
      if (parts.isPartial) {
        out.raw(packer.encode('partial'));
        out.raw(packer.encode(true));
      }
    }
    if (isPartial) {
      out.raw(packer.encode('partial'));
      out.raw(packer.encode(true));
    }
    this.results.push(out.drain());
  }

  endDocument(): void {
    mapHead(this.sink, 1);
    this.sink.raw(packer.encode('results'));
    arrayHead(this.sink, this.results.length);
    for (const result of this.results) this.sink.raw(result);
  }

  take(): Uint8Array {
    return this.sink.drain();
  }

  errorDocument(message: string): Uint8Array {
    return packer.encode({ error: message });
  }
}

function writeCell(
  sink: ByteSink,
  column: ResultColumn,
  row: number,
  epochUnitNs: bigint | null,
): void {
  if (column.kind === 'time') {
    if (epochUnitNs === null) writeTime(sink, column.ns[row]);
    else sink.raw(packer.encode(narrow(column.ns[row] / epochUnitNs)));
    return;
  }
  if (column.kind === 'string') sink.raw(packer.encode(column.values[row]));
  else if (column.kind === 'any') {
    const value = column.values[row];
    if (typeof value === 'number') writeFloat(sink, value);
    else sink.raw(packer.encode(typeof value === 'bigint' ? narrow(value) : value));
  } else if (column.present !== null && column.present[row] === 0) sink.byte(0xc0);
  else if (column.kind === 'boolean') sink.byte(column.values[row] === 0 ? 0xc2 : 0xc3);
  else if (column.kind === 'float') writeFloat(sink, column.values[row]);
  else if (column.wide === null) sink.raw(packer.encode(column.values[row]));
  else
    sink.raw(
      packer.encode(
        narrow(
          column.kind === 'unsigned' ? BigInt.asUintN(64, column.wide[row]) : column.wide[row],
        ),
      ),
    );
}

/** Numbers where they are exact, so that the shortest form is chosen. */
const narrow = (value: bigint): number | bigint =>
  value >= -9007199254740991n && value <= 9007199254740991n ? Number(value) : value;

const scratch = new DataView(new ArrayBuffer(15));
const scratchBytes = new Uint8Array(scratch.buffer);

function writeFloat(sink: ByteSink, value: number): void {
  scratch.setUint8(0, 0xcb);
  scratch.setFloat64(1, value);
  sink.raw(scratchBytes.subarray(0, 9));
}

function writeTime(sink: ByteSink, timeNs: bigint): void {
  const nanoseconds =
    BigInt.asUintN(64, (timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  scratch.setUint8(0, 0xc7);
  scratch.setUint8(1, 12);
  scratch.setUint8(2, 5);
  scratch.setBigInt64(3, (timeNs - nanoseconds) / 1_000_000_000n);
  scratch.setUint32(11, Number(nanoseconds));
  sink.raw(scratchBytes.subarray(0, 15));
}

function arrayHead(sink: ByteSink, count: number): void {
  head(sink, count, { fix: 0x90, sixteen: 0xdc });
}

function mapHead(sink: ByteSink, count: number): void {
  head(sink, count, { fix: 0x80, sixteen: 0xde });
}

function head(
  sink: ByteSink,
  count: number,
  codes: { readonly fix: number; readonly sixteen: number },
): void {
  if (count < 16) {
    sink.byte(codes.fix | count);
    return;
  }
  const isSmall = count < 65536;
  scratch.setUint8(0, isSmall ? codes.sixteen : codes.sixteen + 1);
  if (isSmall) scratch.setUint16(1, count);
  else scratch.setUint32(1, count);
  sink.raw(scratchBytes.subarray(0, isSmall ? 3 : 5));
}
