/**
 * Writes a column of times as JSON cells: text or a count of a unit. Works on the two words of each time, so that no bigint
 * is made, and writes a time that repeats (rows of several series) by copying it.
 */
import type { ResultColumn } from '#query';
import { dayText, type ByteSink } from './byte-sink.js';

const NO_WORDS = new Int32Array(0);
const MAX_SECONDS = 9e9;

/** Times of one answer. */
export class TimeWriter {
  private words: Int32Array = NO_WORDS;
  private low = 0;
  private high = 0;
  private readonly text = new Uint8Array(40);
  /** Bytes of `text` that hold the time of `low` and `high`; 0 for none yet. */
  private textLength = 0;
  private day = Number.NaN;
  private seconds = 0;
  private nanoseconds = 0;

  /** @param epochUnitNs nanoseconds of the unit of times, null for text */
  constructor(private readonly epochUnitNs: bigint | null) {}

  /** Takes up a column. */
  begin({ ns }: Extract<ResultColumn, { kind: 'time' }>): void {
    this.words = new Int32Array(ns.buffer, ns.byteOffset, ns.length * 2);
  }

  /** Writes row `row` of the column taken up. */
  write(sink: ByteSink, column: Extract<ResultColumn, { kind: 'time' }>, row: number): void {
    const low = this.words[2 * row] >>> 0;
    const high = this.words[2 * row + 1];
    if (this.textLength === 0 || low !== this.low || high !== this.high || column.zone) {
      this.low = low;
      this.high = high;
      if (!this.layOut(column)) {
        this.textLength = 0;
        writeSlowly(sink, column, row, this.epochUnitNs);
        return;
      }
    }
    sink.copy(this.text, this.textLength);
  }

  /** Lays the time out in `text`; false where that takes more than words of 53 bits. */
  private layOut({ zone }: Extract<ResultColumn, { kind: 'time' }>): boolean {
    if (zone) return false;
    this.split();
    if (this.epochUnitNs !== null) return this.layOutCount(Number(this.epochUnitNs));
    const day = Math.floor(this.seconds / 86_400);
    const { text } = this;
    if (day !== this.day) {
      this.day = day;
      text[0] = 34;
      putAscii(text, 1, dayText(day));
      text[11] = 84;
    }
    const second = this.seconds - day * 86_400;
    putTwo(text, 12, Math.floor(second / 3600));
    text[14] = 58;
    putTwo(text, 15, Math.floor(second / 60) % 60);
    text[17] = 58;
    putTwo(text, 18, second % 60);
    let at = this.nanoseconds === 0 ? 20 : this.putFraction(20);
    text[at++] = 90;
    text[at++] = 34;
    this.textLength = at;
    return true;
  }

  private putFraction(at: number): number {
    const { text } = this;
    text[at] = 46;
    let rest = this.nanoseconds;
    for (let i = at + 9; i > at; i--) {
      text[i] = 48 + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    let end = at + 10;
    while (text[end - 1] === 48) end--;
    return end;
  }

  private layOutCount(unitNs: number): boolean {
    const { seconds, nanoseconds } = this;
    if (seconds < 0 || seconds > MAX_SECONDS || unitNs < 1000) return false;
    const perSecond = 1e9 / unitNs;
    const count =
      perSecond >= 1
        ? seconds * perSecond + Math.floor(nanoseconds / unitNs)
        : Math.floor(seconds / (unitNs / 1e9));
    this.textLength = putAscii(this.text, 0, String(count));
    return true;
  }

  /** Splits 64 bits into seconds (rounded down) and nanoseconds, without leaving 53 bits: 2^32 = 4·10^9 + 294,967,296. */
  private split(): void {
    const { high, low } = this;
    const thousands = high * 294_967;
    const wholes = Math.floor(thousands / 1e6);
    const rest = (thousands - wholes * 1e6) * 1000 + high * 296 + low;
    const carried = Math.floor(rest / 1e9);
    this.seconds = high * 4 + wholes + carried;
    this.nanoseconds = rest - carried * 1e9;
  }
}

function writeSlowly(
  sink: ByteSink,
  { ns, zone }: Extract<ResultColumn, { kind: 'time' }>,
  row: number,
  epochUnitNs: bigint | null,
): void {
  const timeNs = ns[row];
  if (epochUnitNs === null) {
    sink.byte(34);
    sink.rfc3339(timeNs, zone === undefined ? 0 : Number(zone.offsetNs(timeNs) / 1_000_000_000n));
    sink.byte(34);
  } else sink.ascii((epochUnitNs === 1n ? timeNs : timeNs / epochUnitNs).toString());
}

function putAscii(bytes: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function putTwo(bytes: Uint8Array, at: number, value: number): void {
  const tens = Math.floor(value / 10);
  bytes[at] = 48 + tens;
  bytes[at + 1] = 48 + value - tens * 10;
}
