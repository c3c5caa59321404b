/**
 * collectd's packets into a batch: parts of type, length and payload, each saying what holds for the lists of values behind it. A
 * list that is no good costs itself; where the parts cannot be told apart any more, the rest of the packet is given up. Texts
 * are those of InfluxDB's decoder. @see https://github.com/collectd/collectd/wiki/Binary-protocol
 */
import { hashKey, type PointsBuilder } from '#models';
import { goQuote } from '../shared/go-text.js';
import { checkSignature, decryptPart, type Users } from './packet-crypto.js';
import { ListNamer } from './list-namer.js';
import { type DataSource, TypesDb } from './types-db.js';
import { castValue, readValue } from './packet-values.js';

/** How well a packet is protected; the numbers compare. */
export const SecurityLevel = { none: 0, sign: 1, encrypt: 2 } as const;

/** What decoding tells; must not throw. */
export interface PacketEvents {
  /** Points were added. */
  onPoints(count: number): void;
  /** Points of values that cannot be stored (not finite, or a time out of range): InfluxDB's reason. */
  onInvalid(count: number, reason: string): void;
  /** A list or the rest of the packet is no good. */
  onReject(rejection: PacketRejection): void;
  /** A message for people, which is not stored. */
  onNotification(): void;
}

/** A piece of a packet that is no good. */
export interface PacketRejection {
  /** Fixed phrase. */
  readonly reason: string;
  /** InfluxDB's words. */
  readonly text: string;
  /** The identity of the list: `host h, plugin p, type t`. '' where there is none yet. */
  readonly identity: string;
  /** True where InfluxDB counts a packet that cannot be read. */
  readonly isParseFailure: boolean;
}

/** How to decode. */
export interface PacketDecoderConfig {
  /** See {@link SecurityLevel}. */
  readonly levelMin: number;
  /** True for `parse-multivalue-plugin = "join"`. */
  readonly isJoined: boolean;
}

const PartType = {
  HOST: 0x0000,
  TIME: 0x0001,
  PLUGIN: 0x0002,
  PLUGIN_INSTANCE: 0x0003,
  TYPE: 0x0004,
  TYPE_INSTANCE: 0x0005,
  VALUES: 0x0006,
  INTERVAL: 0x0007,
  TIME_HR: 0x0008,
  INTERVAL_HR: 0x0009,
  MESSAGE: 0x0100,
  SEVERITY: 0x0101,
  SIGNATURE: 0x0200,
  ENCRYPTION: 0x0210,
} as const;

const HEADER_BYTES = 4;
const VALUE_BYTES = 8;
/** Signed and encrypted parts of one packet that are looked at; senders make one. */
export const CRYPTO_PARTS_MAX = 64;
const SECONDS_MIN = -9223372036;
const SECONDS_MAX = 9223372035;
/** @see InfluxDB models.CheckTime */
const TIME_REFUSED = 'time outside range';
const NO_BYTES = new Uint8Array(0);

/** Reads packets into a builder. */
export class PacketDecoder {
  private types = new TypesDb();
  private users: Users = new Map();
  private readonly namer: ListNamer;
  private bytes: Uint8Array = NO_BYTES;
  private view: DataView = new DataView(NO_BYTES.buffer);
  private seconds = 0;
  private nanos = 0;
  private hasTime = false;
  private level = 0;
  private cryptoParts = 0;
  /** The values of the type of the list before; null when the type has changed since. */
  private dataSet: readonly DataSource[] | null = null;

  constructor(
    private readonly config: PacketDecoderConfig,
    private readonly builder: PointsBuilder,
    private readonly events: PacketEvents,
  ) {
    this.namer = new ListNamer(config.isJoined);
  }

  /** Takes up other types. */
  setTypes(types: TypesDb): void {
    this.types = types;
    this.dataSet = null;
    // Names of fields may have changed: series are named anew.
    this.namer.generation++;
  }

  setUsers(users: Users): void {
    this.users = users;
  }

  /** Reads a packet. @param bytes lent for the call */
  decode(bytes: Uint8Array): void {
    this.cryptoParts = 0;
    this.parts(bytes, SecurityLevel.none);
    this.bytes = NO_BYTES;
  }

  /** Reads parts. What parts inside an encrypted one say holds there only. */
  private parts(bytes: Uint8Array, level: number): void {
    this.use(bytes);
    this.forget();
    this.level = level;
    let p = 0;
    while (p < bytes.length) {
      if (bytes.length - p < HEADER_BYTES) return this.giveUp('invalid data');
      const type = (bytes[p] << 8) | bytes[p + 1];
      const length = (bytes[p + 2] << 8) | bytes[p + 3];
      if (length <= HEADER_BYTES || p + length > bytes.length) {
        return this.giveUp(`invalid length ${length}`);
      }
      const error = this.part(type, p + HEADER_BYTES, p + length);
      if (error !== '') return this.giveUp(error);
      p += length;
    }
  }

  /** Reads the part with the payload `bytes[start..end)`; why the rest cannot be read, or ''. */
  private part(type: number, start: number, end: number): string {
    switch (type) {
      case PartType.VALUES:
        this.values(start, end);
        return '';
      case PartType.HOST:
      case PartType.PLUGIN:
      case PartType.PLUGIN_INSTANCE:
      case PartType.TYPE:
      case PartType.TYPE_INSTANCE:
        if (this.bytes[end - 1] !== 0) return 'invalid data';
        if (type === PartType.TYPE) this.dataSet = null;
        this.namer.set(type, this.bytes, start, end - 1);
        return '';
      case PartType.TIME:
      case PartType.TIME_HR:
      case PartType.INTERVAL:
      case PartType.INTERVAL_HR:
        if (end - start !== VALUE_BYTES) return 'invalid data';
        if (type === PartType.TIME) this.setSeconds(start);
        else if (type === PartType.TIME_HR) this.setFineTime(start);
        return '';
      case PartType.MESSAGE:
        this.events.onNotification();
        return '';
      case PartType.SIGNATURE:
        return this.signature(start, end);
      case PartType.ENCRYPTION:
        return this.encryption(start, end);
      default:
        // PartType.SEVERITY, and parts of later versions.
        return '';
    }
  }

  private signature(start: number, end: number): string {
    if (++this.cryptoParts > CRYPTO_PARTS_MAX) return 'too many signatures';
    const { bytes } = this;
    const error = checkSignature(bytes.subarray(start, end), bytes.subarray(end), this.users);
    if (error !== '') return error;
    // What was said before is not signed.
    this.forget();
    this.level = Math.max(this.level, SecurityLevel.sign);
    return '';
  }

  private encryption(start: number, end: number): string {
    if (++this.cryptoParts > CRYPTO_PARTS_MAX) return 'too many encrypted parts';
    const { bytes, level } = this;
    const content = decryptPart(bytes.subarray(start, end), this.users);
    if (typeof content === 'string') return content;
    const { seconds, nanos, hasTime } = this;
    const words = this.namer.save();
    this.parts(content, SecurityLevel.encrypt);
    this.use(bytes);
    this.level = level;
    this.dataSet = null;
    this.namer.restore(words);
    Object.assign(this, { seconds, nanos, hasTime });
    return '';
  }

  private use(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  private forget(): void {
    this.namer.clear();
    this.dataSet = null;
    this.hasTime = false;
  }

  private setSeconds(p: number): void {
    this.seconds = this.view.getInt32(p) * 2 ** 32 + this.view.getUint32(p + 4);
    this.nanos = 0;
    this.hasTime = true;
  }

  /** Reads a time in units of 2^-30 s, rounded to nanoseconds. @see collectd.org/cdtime */
  private setFineTime(p: number): void {
    const high = this.view.getUint32(p);
    const low = this.view.getUint32(p + 4);
    this.seconds = high * 4 + (low >>> 30);
    // 10^9 / 2^30 = 1953125 / 2^21, which keeps the product below 2^53.
    this.nanos = Math.floor(((low & 0x3fffffff) * 1953125 + 2 ** 20) / 2 ** 21);
    if (this.nanos === 1e9) {
      this.seconds++;
      this.nanos = 0;
    }
    this.hasTime = true;
  }

  /** Adds the points of a list of values. */
  private values(start: number, end: number): void {
    const { bytes, config } = this;
    const count = (bytes[start] << 8) | bytes[start + 1];
    const kinds = start + 2;
    const first = kinds + count;
    if (end - start < 2 || first + count * VALUE_BYTES !== end || !areKinds(bytes, kinds, count)) {
      return this.rejectList('invalid values', 'invalid data', true);
    }
    if (this.level < config.levelMin) {
      return this.rejectList('security level', 'packet is not protected as it has to be', false);
    }
    const dataSet = this.findDataSet();
    if (dataSet === undefined) {
      const type = goQuote(this.namer.word(PartType.TYPE));
      return this.rejectList('unknown type', `unable to find ${type} in TypesDB`, false);
    }
    if (dataSet.length !== count) {
      const text = `unable to convert values according to TypesDB: len(args) = ${count}, want ${dataSet.length}`;
      return this.rejectList('wrong number of values', text, false);
    }
    if (!this.hasTime)
      return this.rejectList('missing time', 'list of values without a time', false);
    if (this.seconds < SECONDS_MIN || this.seconds > SECONDS_MAX) {
      return this.events.onInvalid(config.isJoined ? 1 : count, TIME_REFUSED);
    }
    if (config.isJoined) this.addJoined(dataSet, kinds, first);
    else this.addSplit(dataSet, kinds, first);
  }

  private findDataSet(): readonly DataSource[] | undefined {
    if (this.dataSet !== null) return this.dataSet;
    const found = this.types.find(
      this.namer.bytes,
      this.namer.startOf(PartType.TYPE),
      this.namer.lengthOf(PartType.TYPE),
    );
    this.dataSet = found ?? null;
    return found;
  }

  /** Each value is a point of a measurement of its own. */
  private addSplit(dataSet: readonly DataSource[], kinds: number, first: number): void {
    const { bytes, view, builder, seconds, nanos } = this;
    let added = 0;
    for (let i = 0; i < dataSet.length; i++) {
      const source = dataSet[i];
      const kind = bytes[kinds + i];
      let value = readValue(view, first + i * VALUE_BYTES, kind);
      if (kind !== source.kind) value = castValue(value, kind, source.kind);
      if (!Number.isFinite(value)) {
        this.events.onInvalid(1, notFinite(value));
        continue;
      }
      const series = this.series(dataSet, i);
      if (series < 0) continue;
      builder.addFloat(series, value, seconds, nanos);
      added++;
    }
    this.events.onPoints(added);
  }

  /** All values are fields of one point, which one bad value costs. Same as InfluxDB 1.x. */
  private addJoined(dataSet: readonly DataSource[], kinds: number, first: number): void {
    const { bytes, view, builder } = this;
    for (let i = 0; i < dataSet.length; i++) {
      const kind = bytes[kinds + i];
      const value = castValue(
        readValue(view, first + i * VALUE_BYTES, kind),
        kind,
        dataSet[i].kind,
      );
      if (!Number.isFinite(value)) return this.events.onInvalid(1, notFinite(value));
    }
    const series = this.series(dataSet, 0);
    if (series < 0) return;
    builder.startPoint(series, this.seconds, this.nanos);
    for (let i = 0; i < dataSet.length; i++) {
      const kind = bytes[kinds + i];
      const value = readValue(view, first + i * VALUE_BYTES, kind);
      builder.setNumber(i, castValue(value, kind, dataSet[i].kind));
    }
    this.events.onPoints(1);
  }

  /** The number of the series of the list's nth value, or -1 where it is not possible. */
  private series(dataSet: readonly DataSource[], n: number): number {
    const { namer, builder } = this;
    const length = namer.compose(n);
    const guessed = builder.findFollowing(namer.view, 0, length);
    if (guessed >= 0) return guessed;
    const hash = hashKey(namer.bytes, 0, length);
    let series: number | string = builder.find(namer.bytes, 0, length, hash);
    if (series < 0) {
      const named = namer.name(dataSet, n);
      series =
        typeof named === 'string' ? named : builder.addSeries(namer.bytes.slice(0, length), named);
    }
    if (typeof series === 'number') {
      builder.noteFollowing(series);
      return series;
    }
    this.rejectList('series not possible', series, false);
    return -1;
  }

  private rejectList(reason: string, text: string, isParseFailure: boolean): void {
    this.events.onReject({ reason, text, identity: this.namer.identity(), isParseFailure });
  }

  private giveUp(text: string): void {
    const reason = /^invalid/.test(text) ? 'invalid packet' : 'not trusted';
    const identity = this.namer.identity();
    this.events.onReject({ reason, text, identity, isParseFailure: true });
  }
}

function areKinds(bytes: Uint8Array, start: number, count: number): boolean {
  for (let i = start; i < start + count; i++) if (bytes[i] > 3) return false;
  return true;
}

const notFinite = (value: number): string =>
  Number.isNaN(value) ? 'NaN is an unsupported value' : '+/-Inf is an unsupported value';

/**
 * Points that a packet seems to hold, for counting what is not read; 1 for one that cannot be looked into.
 * @param isJoined whether a list is one point
 */
export function countPoints(bytes: Uint8Array, isJoined: boolean): number {
  let points = 0;
  for (let p = 0; p + 6 <= bytes.length;) {
    const length = (bytes[p + 2] << 8) | bytes[p + 3];
    if (length <= HEADER_BYTES) break;
    if (((bytes[p] << 8) | bytes[p + 1]) === PartType.VALUES) {
      const count = (bytes[p + 4] << 8) | bytes[p + 5];
      // Not more than there is room for.
      if (count * (VALUE_BYTES + 1) < length) points += isJoined ? 1 : count;
    }
    p += length;
  }
  return Math.max(1, points);
}
