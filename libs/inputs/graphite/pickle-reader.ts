/**
 * Carbon's pickle protocol: messages of a length (four bytes, high byte first) and a pickled list of `(path, (time, value))`.
 * @see https://graphite.readthedocs.io/en/latest/feeding-carbon.html
 */
import { messageOf } from '#kernel';
import { parseGoFloat } from '../shared/go-text.js';
import { decodePickle, type PickleValue } from './pickle-decoder.js';

/** Takes what a connection sends. Nothing may throw. */
export interface PickleHandler {
  /** @param path lent for the call */
  onPoint(path: Uint8Array, value: number, unixTime: number): void;
  /**
   * A point or message that cannot be read.
   * @param raw the message without its length
   * @param unreplayable where it is less than that: why it cannot be taken once more; else ''
   */
  onReject(raw: Uint8Array, text: string, unreplayable: string): void;
  /** The connection cannot be read any further. */
  onBroken(): void;
}

const LENGTH_BYTES = 4;
const NO_BYTES = new Uint8Array(0);

/** A message with its length before it. */
export function pickleFrame(message: Uint8Array): Uint8Array {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(message.length);
  return Buffer.concat([length, message]);
}

/** The messages of one connection. */
export class PickleReader {
  private rest: Uint8Array = NO_BYTES;
  private restLength = 0;
  private isBroken = false;

  /** @param messageBytesMax longest message; after a longer one the connection is of no use */
  constructor(
    private readonly messageBytesMax: number,
    private readonly handler: PickleHandler,
  ) {}

  /** Takes the next bytes. */
  push(chunk: Uint8Array): void {
    if (this.isBroken) return;
    let bytes = chunk;
    if (this.restLength > 0) {
      this.keep(chunk);
      bytes = this.rest.subarray(0, this.restLength);
    }
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length =
        bytes[at] * 0x1000000 + ((bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]);
      if (length > this.messageBytesMax) {
        this.isBroken = true;
        this.rest = NO_BYTES;
        const text = `message of ${length} bytes is longer than ${this.messageBytesMax}`;
        this.handler.onReject(
          bytes.subarray(at, at + LENGTH_BYTES),
          text,
          'the message is not kept',
        );
        this.handler.onBroken();
        return;
      }
      if (bytes.length - at < LENGTH_BYTES + length) break;
      at += LENGTH_BYTES;
      this.message(bytes.subarray(at, at + length));
      at += length;
    }
    const unread = bytes.slice(at);
    this.restLength = 0;
    this.keep(unread);
  }

  /** Takes the end of the connection: a message that was cut off is rejected. */
  end(): void {
    if (this.isBroken || this.restLength === 0) return;
    const cut = this.rest.subarray(0, this.restLength);
    this.handler.onReject(cut, 'message is cut short', 'its rest never came');
    this.restLength = 0;
  }

  private keep(bytes: Uint8Array): void {
    const needed = this.restLength + bytes.length;
    if (needed > this.rest.length) {
      const wider = new Uint8Array(Math.max(needed, 2 * this.rest.length));
      wider.set(this.rest.subarray(0, this.restLength));
      this.rest = wider;
    }
    this.rest.set(bytes, this.restLength);
    this.restLength = needed;
  }

  private message(bytes: Uint8Array): void {
    const { handler } = this;
    let points: PickleValue;
    try {
      points = decodePickle(bytes);
    } catch (error) {
      handler.onReject(bytes, messageOf(error), '');
      return;
    }
    if (!Array.isArray(points)) {
      handler.onReject(bytes, 'bad pickle: no list', '');
      return;
    }
    for (const point of points as readonly PickleValue[]) {
      const [path, value] = pairOf(point);
      const [unixTime, number] = pairOf(value);
      const time = numberOf(unixTime);
      const found = numberOf(number);
      if (!(path instanceof Uint8Array) || time === null || found === null) {
        const raw = path instanceof Uint8Array ? path : NO_BYTES;
        handler.onReject(
          raw,
          'bad pickle: a point is not (path, (time, value))',
          'only the path of the point is kept',
        );
      } else {
        handler.onPoint(path, found, time);
      }
    }
  }
}

function pairOf(value: PickleValue): readonly [PickleValue, PickleValue] {
  return Array.isArray(value) && value.length === 2
    ? [value[0] as PickleValue, value[1] as PickleValue]
    : [null, null];
}

/** Carbon takes texts of numbers, too. */
function numberOf(value: PickleValue): number | null {
  if (typeof value === 'number') return value;
  if (!(value instanceof Uint8Array) || value.length > NUMBER_BYTES_MAX) return null;
  const parsed = parseGoFloat(Buffer.from(value).toString('latin1').trim());
  return typeof parsed === 'number' ? parsed : null;
}

const NUMBER_BYTES_MAX = 512;
