/** CSV answers: a header a statement, then `name,tags,` and the columns. Same as InfluxDB 1.x. */
import type { ResultColumn, ResultSeries } from '#query';
import { ByteSink, formatPlainFloat } from './byte-sink.js';
import { wideText } from './json-encoder.js';
import type { ResultEncoder, ResultEnd } from './result-encoder.js';

/** See {@link ResultEncoder}. Results without series write nothing; errors of results neither. */
export class CsvEncoder implements ResultEncoder {
  readonly contentType = 'text/csv';
  readonly sink = new ByteSink();
  readonly isPlainText = false;
  private statementId = 0;
  private headedStatementId = -1;
  private resultStart = 0;
  private prefix = '';

  /** @param epochUnitNs nanoseconds of the unit of times, null for nanoseconds */
  constructor(private readonly epochUnitNs: bigint | null) {}

  beginDocument(): void {
    // Nothing stands around the rows.
  }

  beginResult(statementId: number): void {
    this.statementId = statementId;
    this.resultStart = this.sink.length;
  }

  restartResult(): boolean {
    if (this.resultStart < 0) return false;
    this.sink.length = this.resultStart;
    return true;
  }

  beginSeries(series: ResultSeries): void {
    if (this.headedStatementId !== this.statementId) {
      if (this.headedStatementId >= 0) this.sink.byte(10);
      this.headedStatementId = this.statementId;
      this.sink.utf8(`${['name', 'tags', ...series.columns].map(quote).join(',')}\n`);
    }
    const tags = (series.tags ?? []).filter((tag) => tag.value !== '');
    const tagText = tags.map((tag) => `${escapeTag(tag.key)}=${escapeTag(tag.value)}`).join(',');
    this.prefix = `${quote(series.name)},${quote(tagText)}`;
  }

  rows(series: ResultSeries, from: number, to: number): void {
    for (let row = from; row < to; row++) {
      let line = this.prefix;
      for (const column of series.data)
        line += `,${quote(cellText(column, row, this.epochUnitNs))}`;
      this.sink.utf8(`${line}\n`);
    }
  }

  endSeries(_isPartial: boolean): void {
    // Rows speak for themselves.
  }

  endResult(_end: ResultEnd): void {
    // Errors and messages of results have no place in CSV.
  }

  endDocument(): void {
    // Nothing stands around the rows.
  }

  take(): Uint8Array {
    this.resultStart = -1;
    return this.sink.drain();
  }

  errorDocument(message: string): Uint8Array {
    return new TextEncoder().encode(`error\n${quote(message)}\n`);
  }
}

function cellText(column: ResultColumn, row: number, epochUnitNs: bigint | null): string {
  if (column.kind === 'time') return (column.ns[row] / (epochUnitNs ?? 1n)).toString();
  if (column.kind === 'string') return column.values[row] ?? '';
  if (column.kind === 'any') {
    const value = column.values[row];
    if (value === null) return '';
    if (typeof value === 'object') return '';
    return typeof value === 'number' ? formatPlainFloat(value) : String(value);
  }
  if (column.present !== null && column.present[row] === 0) return '';
  if (column.kind === 'boolean') return column.values[row] === 0 ? 'false' : 'true';
  if (column.kind === 'float') return formatPlainFloat(column.values[row]);
  return column.wide === null
    ? String(column.values[row])
    : wideText(column.kind, column.wide[row]);
}

const escapeTag = (text: string): string => text.replace(/[,= ]/g, '\\$&');

/** A field in quotes where Go's encoding/csv puts them. */
function quote(text: string): string {
  if (text === '') return text;
  if (text !== '\\.' && !/[",\r\n]|^\s/.test(text)) return text;
  return `"${text.replaceAll('"', '""')}"`;
}
