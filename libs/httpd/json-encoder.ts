/** JSON answers, byte for byte as Go prints them. */
import type { ResultColumn, ResultSeries, ResultValue } from '#query';
import { ByteSink, formatPlainFloat } from './byte-sink.js';
import type { ResultEncoder, ResultEnd } from './result-encoder.js';
import { TimeWriter } from './time-writer.js';

const MARSHAL_ERROR =
  'json: error calling MarshalJSON for type httpd.Response: json: error calling MarshalJSON for type *query.Result: json: unsupported value:';
const COMMA = 44;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;

/** See {@link ResultEncoder}. */
export class JsonEncoder implements ResultEncoder {
  readonly contentType = 'application/json';
  readonly sink = new ByteSink();
  private resultCount = 0;
  private seriesCount = 0;
  private rowCount = 0;
  private statementId = 0;
  /** Where the current result and document begin in the sink; -1 once part of them has left. */
  private resultStart = 0;
  private documentStart = 0;
  isPlainText = false;

  private readonly times: TimeWriter;

  /** @param epochUnitNs nanoseconds of the unit of times, null for text */
  constructor(epochUnitNs: bigint | null) {
    this.times = new TimeWriter(epochUnitNs);
  }

  beginDocument(): void {
    this.resultCount = 0;
    this.documentStart = this.sink.length;
    this.isPlainText = false;
    this.sink.byte(123);
  }

  beginResult(statementId: number): void {
    this.statementId = statementId;
    this.resultStart = this.sink.length;
    this.openResult();
  }

  restartResult(): boolean {
    if (this.resultStart < 0) return false;
    this.sink.length = this.resultStart;
    this.resultCount--;
    this.openResult();
    return true;
  }

  private openResult(): void {
    this.sink.ascii(this.resultCount === 0 ? '"results":[' : ',');
    this.resultCount++;
    this.seriesCount = 0;
    this.sink.ascii('{"statement_id":');
    this.sink.integer(this.statementId);
  }

  beginSeries(series: ResultSeries): void {
    const { sink } = this;
    sink.ascii(this.seriesCount === 0 ? ',"series":[{' : ',{');
    this.seriesCount++;
    this.rowCount = 0;
    if (series.name !== '') {
      sink.ascii('"name":');
      sink.jsonString(series.name);
      sink.byte(COMMA);
    }
    if (series.tags !== null && series.tags.length > 0) {
      sink.ascii('"tags":{');
      series.tags.forEach((tag, i) => {
        if (i > 0) sink.byte(COMMA);
        sink.jsonString(tag.key);
        sink.byte(58);
        sink.jsonString(tag.value);
      });
      sink.ascii('},');
    }
    sink.ascii('"columns":[');
    series.columns.forEach((column, i) => {
      if (i > 0) sink.byte(COMMA);
      sink.jsonString(column);
    });
    sink.byte(CLOSE_LIST);
  }

  rows(series: ResultSeries, from: number, to: number): void {
    const { sink, times } = this;
    const { data } = series;
    for (const column of data) if (column.kind === 'time') times.begin(column);
    for (let row = from; row < to; row++) {
      if (this.rowCount++ === 0) sink.ascii(',"values":[');
      else sink.byte(COMMA);
      sink.byte(OPEN_LIST);
      for (let c = 0; c < data.length; c++) {
        if (c > 0) sink.byte(COMMA);
        writeCell(sink, data[c], row, times);
      }
      sink.byte(CLOSE_LIST);
    }
  }

  endSeries(isPartial: boolean): void {
    if (this.rowCount > 0) this.sink.byte(CLOSE_LIST);
    this.sink.ascii(isPartial ? ',"partial":true}' : '}');
  }

  endResult({ error, messages, isPartial }: ResultEnd): void {
    const { sink } = this;
    if (this.seriesCount > 0) sink.byte(CLOSE_LIST);
    if (messages.length > 0) {
      sink.ascii(',"messages":[');
      messages.forEach((message, i) => {
        sink.ascii(i === 0 ? '{"level":' : ',{"level":');
        sink.jsonString(message.level);
        sink.ascii(',"text":');
        sink.jsonString(message.text);
        sink.byte(125);
      });
      sink.byte(CLOSE_LIST);
    }
    if (isPartial) sink.ascii(',"partial":true');
    if (error !== null) {
      sink.ascii(',"error":');
      sink.jsonString(error);
    }
    sink.byte(125);
  }

  endDocument(): void {
    const { sink } = this;
    sink.ascii(this.resultCount === 0 ? '}\n' : ']}\n');
    if (sink.nonFinite === null) return;
    // JSON has no infinity. InfluxDB 1.x answers with Go's complaint in place of the document; so do we while we can.
    if (this.documentStart >= 0) {
      sink.length = this.documentStart;
      sink.ascii(`${MARSHAL_ERROR} ${formatPlainFloat(sink.nonFinite)}\n`);
      this.isPlainText = true;
    }
    sink.nonFinite = null;
  }

  take(): Uint8Array {
    this.resultStart = -1;
    this.documentStart = -1;
    return this.sink.drain();
  }

  errorDocument(message: string): Uint8Array {
    const sink = new ByteSink();
    sink.ascii('{"error":');
    sink.jsonString(message);
    sink.ascii('}\n');
    return sink.drain();
  }
}

function writeCell(sink: ByteSink, column: ResultColumn, row: number, times: TimeWriter): void {
  switch (column.kind) {
    case 'time':
      times.write(sink, column, row);
      return;
    case 'float':
      if (column.present !== null && column.present[row] === 0) sink.ascii('null');
      else sink.jsonFloat(column.values[row]);
      return;
    case 'integer':
    case 'unsigned':
      if (column.present !== null && column.present[row] === 0) sink.ascii('null');
      else if (column.wide === null) sink.integer(column.values[row]);
      else sink.ascii(wideText(column.kind, column.wide[row]));
      return;
    case 'boolean':
      if (column.present !== null && column.present[row] === 0) sink.ascii('null');
      else sink.ascii(column.values[row] === 0 ? 'false' : 'true');
      return;
    case 'string': {
      const value = column.values[row];
      if (value === null) sink.ascii('null');
      else sink.jsonString(value);
      return;
    }
    case 'any':
      writeValue(sink, column.values[row]);
  }
}

function writeValue(sink: ByteSink, value: ResultValue): void {
  if (value === null) sink.ascii('null');
  else if (typeof value === 'string') sink.jsonString(value);
  else if (typeof value === 'number') sink.jsonFloat(value);
  else if (typeof value !== 'object') sink.ascii(String(value));
  else {
    value.forEach((item, i) => {
      sink.byte(i === 0 ? OPEN_LIST : COMMA);
      sink.jsonString(item);
    });
    sink.ascii(value.length === 0 ? '[]' : ']');
  }
}

/** Digits of a 64-bit integer. */
export function wideText(kind: 'integer' | 'unsigned', value: bigint): string {
  return (kind === 'unsigned' ? BigInt.asUintN(64, value) : value).toString();
}
