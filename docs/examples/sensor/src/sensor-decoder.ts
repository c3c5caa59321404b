/** `sensor;room;value[;seconds]` into points of measurement `sensor`, tags `name` and `room`, field `value`. Never throws. */
import {
  ArrivalClock,
  type Batcher,
  type Clock,
  encodeSeriesKey,
  FieldType,
  hashKey,
  type IngestLedger,
  type LineScratch,
} from 'tidegate/inputs';

const NEWLINE = 10;
const SEMICOLON = 59;
const SECONDS_MAX = 9_223_372_035;
const text = new TextDecoder();

export class SensorDecoder {
  pointsRx = 0;
  bytesRx = 0;
  pointsParseFail = 0;
  private readonly arrivals: ArrivalClock;

  constructor(
    private readonly batcher: Batcher,
    private readonly ledger: IngestLedger,
    clock: Clock,
  ) {
    this.arrivals = new ArrivalClock(clock);
  }

  /** Takes whole lines. */
  decode({ bytes }: LineScratch, length: number, peer: string): void {
    this.bytesRx += length;
    for (let start = 0; start < length;) {
      const end = bytes.indexOf(NEWLINE, start);
      if (end > start) this.line(bytes, start, end, peer);
      start = end + 1;
    }
  }

  /** Counts a piece of input that is no good, and keeps it where the last such are shown. */
  reject(raw: Uint8Array, peer: string, reason: string, detail = reason): void {
    this.pointsRx++;
    this.pointsParseFail++;
    this.ledger.receive(1);
    this.ledger.reject({ reason, text: detail, peer, raw });
  }

  private line(bytes: Uint8Array, start: number, end: number, peer: string): void {
    const raw = bytes.subarray(start, end);
    // A series is found by the bytes that name it; its key is made once.
    const nameEnd = bytes.indexOf(SEMICOLON, bytes.indexOf(SEMICOLON, start) + 1);
    if (nameEnd < start || nameEnd >= end) return this.reject(raw, peer, 'bad line');
    const [value = '', time] = text.decode(bytes.subarray(nameEnd + 1, end)).split(';');
    if (!/^-?\d+(\.\d+)?$/.test(value)) {
      return this.reject(raw, peer, 'bad value', `bad value "${value}"`);
    }
    const series = this.series(bytes, start, nameEnd);
    if (typeof series === 'string') return this.reject(raw, peer, 'bad name', series);
    if (time === undefined) {
      const nowNs = this.arrivals.nextNs();
      const nanos = Number(nowNs % 1_000_000_000n);
      this.batcher.builder.addFloat(series, Number(value), Number(nowNs / 1_000_000_000n), nanos);
    } else {
      const seconds = /^\d{1,10}$/.test(time) ? Number(time) : Infinity;
      if (seconds > SECONDS_MAX) return this.reject(raw, peer, 'bad time', `bad time "${time}"`);
      this.batcher.builder.addFloat(series, Number(value), seconds, 0);
    }
    this.pointsRx++;
    this.ledger.receive(1);
    this.batcher.added();
  }

  /** The number of a series, or why there is none. */
  private series(bytes: Uint8Array, start: number, end: number): number | string {
    const { builder } = this.batcher;
    const known = builder.find(bytes, start, end - start, hashKey(bytes, start, end - start));
    if (known >= 0) return known;
    const name = bytes.subarray(start, end);
    const [sensor = '', room = ''] = text.decode(name).split(';');
    if (sensor === '' || room === '') return 'a sensor and a room are needed';
    const tags = [
      { key: 'name', value: sensor },
      { key: 'room', value: room },
    ];
    const fields = [{ name: 'value', type: FieldType.FLOAT }];
    return builder.addSeries(name, { key: encodeSeriesKey('sensor', tags), fields });
  }
}
