/**
 * Protobuf messages described by tables of their fields, over protobufjs' reader and writer. Chosen over generated code
 * because unknown fields survive, 64-bit integers are bigint where they need it, and a damaged message can be salvaged.
 */
import protobuf from 'protobufjs/minimal.js';
import { messageOf } from '#kernel';
import { MetaError } from './errors.js';

/** How a field's bytes are read and written. */
export interface WireType<Value> {
  /** 0 varint, 2 length-delimited. */
  readonly wireType: 0 | 2;
  read(reader: protobuf.Reader, salvage: Salvage | null): Value;
  write(writer: protobuf.Writer, value: Value): void;
}

/** Counts what had to be left out when a damaged message is read as far as possible. */
export interface Salvage {
  lost: number;
}

const long = (value: { low: number; high: number } | number): bigint =>
  typeof value === 'number'
    ? BigInt(value)
    : (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);

/** Writes a varint of 64 bits, two's complement. */
function writeVarint(writer: protobuf.Writer, value: bigint): void {
  const bytes = BigInt.asUintN(64, value);
  const words = {
    low: Number(bytes & 0xffffffffn) | 0,
    high: Number(bytes >> 32n) | 0,
    unsigned: true,
  };
  writer.uint64(words as unknown as protobuf.Long);
}

/** uint64 as a bigint. */
export const uint64: WireType<bigint> = {
  wireType: 0,
  read: (reader) => long(reader.uint64()),
  write: writeVarint,
};

/** int64 as a bigint. */
export const int64: WireType<bigint> = {
  wireType: 0,
  read: (reader) => BigInt.asIntN(64, long(reader.uint64())),
  write: writeVarint,
};

/** An unsigned integer known to stay below 2^53 (ids, counts). */
export const count: WireType<number> = {
  wireType: 0,
  read: (reader) => Number(long(reader.uint64())),
  write: (writer, value) => writeVarint(writer, BigInt(value)),
};

/** A boolean. */
export const bool: WireType<boolean> = {
  wireType: 0,
  read: (reader) => reader.bool(),
  write: (writer, value) => void writer.bool(value),
};

/** UTF-8 text. */
export const text: WireType<string> = {
  wireType: 2,
  read: (reader) => reader.string(),
  write: (writer, value) => void writer.string(value),
};

/** Raw bytes. */
export const bytes: WireType<Uint8Array> = {
  wireType: 2,
  read: (reader) => new Uint8Array(reader.bytes()),
  write: (writer, value) => void writer.bytes(value),
};

/** One field of a message: its number, and how the message's object keeps it. */
export interface WireField<Message> {
  readonly number: number;
  readonly wireType: 0 | 2;
  /** Puts a value read into the parts of the message under construction. */
  read(parts: Parts, reader: protobuf.Reader, salvage: Salvage | null): void;
  /** Writes the field, tags included; nothing when the message does not have it. */
  write(writer: protobuf.Writer, message: Message): void;
}

/** Values of a message under construction by property name. */
export type Parts = Record<string, unknown>;

type PropertyOf<Message, Value> = {
  [Name in keyof Message]-?: Message[Name] extends Value
    ? Value extends Message[Name]
      ? Name
      : never
    : never;
}[keyof Message] &
  string;

/** A field that is always written, as proto2's `required` and Go's setters have it. */
export function required<Message, Value>(
  number: number,
  property: PropertyOf<Message, Value>,
  type: WireType<Value>,
): WireField<Message> {
  return {
    number,
    wireType: type.wireType,
    read: (parts, reader, salvage) => void (parts[property] = type.read(reader, salvage)),
    write(writer, message) {
      writer.uint32((number << 3) | type.wireType);
      type.write(writer, message[property] as Value);
    },
  };
}

/** A field that is left out while it has its zero value. */
export function optional<Message, Value>(
  number: number,
  property: PropertyOf<Message, Value>,
  type: WireType<Value>,
): WireField<Message> {
  const field = required(number, property, type);
  return {
    ...field,
    write: (writer, message) => {
      const value: unknown = message[property];
      if (value !== 0n && value !== 0 && value !== '' && value !== false)
        field.write(writer, message);
    },
  };
}

/** A field that repeats, one tag an element. */
export function repeated<Message, Value>(
  number: number,
  property: PropertyOf<Message, readonly Value[]>,
  type: WireType<Value>,
): WireField<Message> {
  return {
    number,
    wireType: type.wireType,
    read: (parts, reader, salvage) =>
      void (parts[property] as Value[]).push(type.read(reader, salvage)),
    write(writer, message) {
      for (const value of message[property] as readonly Value[]) {
        writer.uint32((number << 3) | type.wireType);
        type.write(writer, value);
      }
    },
  };
}

/** A message type. */
export interface WireMessage<Message> extends WireType<Message> {
  encode(message: Message): Uint8Array;
  /** @throws MetaError on bytes that are no such message */
  decode(bytes: Uint8Array): Message;
  /** Reads what can be read; `lost` counts what could not. */
  salvage(bytes: Uint8Array): { readonly message: Message; readonly lost: number };
}

/**
 * Describes a message.
 * @param empty a new object with every property's zero value
 * @param fields in the order in which they are written
 */
export function wireMessage<Message extends { readonly unknownFields?: Uint8Array }>(
  empty: () => Message,
  fields: readonly WireField<Message>[],
): WireMessage<Message> {
  const byNumber = new Map(fields.map((field) => [field.number, field]));
  const readUntil = (reader: protobuf.Reader, end: number, salvage: Salvage | null): Message => {
    const parts: Parts = { ...empty() };
    const unknown: Uint8Array[] = [];
    while (reader.pos < end) {
      try {
        const raw = readField(reader, { byNumber, parts, salvage });
        if (reader.pos > end) throw new RangeError('a field ends after its message');
        if (raw !== null) unknown.push(raw);
      } catch (error) {
        if (salvage === null) throw error;
        // The fields before this one are kept; where the next begins cannot be told.
        salvage.lost++;
        reader.pos = end;
      }
    }
    if (unknown.length > 0) parts['unknownFields'] = new Uint8Array(Buffer.concat(unknown));
    return parts as Message;
  };
  return {
    wireType: 2,
    read(reader, salvage) {
      const length = reader.uint32();
      let end = reader.pos + length;
      if (end > reader.len) {
        if (salvage === null)
          throw new RangeError(`a message of ${length} bytes ends after its file`);
        salvage.lost++;
        end = reader.len;
      }
      return readUntil(reader, end, salvage);
    },
    write(writer, value) {
      writer.fork();
      writeFields(writer, value, fields);
      writer.ldelim();
    },
    encode(value) {
      const writer = protobuf.Writer.create();
      writeFields(writer, value, fields);
      return writer.finish();
    },
    decode(bytes) {
      try {
        return readUntil(protobuf.Reader.create(bytes), bytes.length, null);
      } catch (error) {
        throw MetaError.corrupt(
          `cannot read metadata of ${bytes.length} bytes: ${messageOf(error)}`,
          error,
        );
      }
    },
    salvage(bytes) {
      const salvage: Salvage = { lost: 0 };
      return {
        message: readUntil(protobuf.Reader.create(bytes), bytes.length, salvage),
        lost: salvage.lost,
      };
    },
  };
}

interface FieldReading<Message> {
  readonly byNumber: ReadonlyMap<number, WireField<Message>>;
  readonly parts: Parts;
  readonly salvage: Salvage | null;
}

/** Reads one field into `parts`; the bytes of a field that is not known, else null. */
function readField<Message>(
  reader: protobuf.Reader,
  { byNumber, parts, salvage }: FieldReading<Message>,
): Uint8Array | null {
  const start = reader.pos;
  const tag = reader.uint32();
  const field = byNumber.get(tag >>> 3);
  if (field !== undefined && field.wireType === (tag & 7)) {
    field.read(parts, reader, salvage);
    return null;
  }
  // Groups, which nobody writes, have no length: a damaged one kept as unknown would spoil the next reading too.
  if ((tag & 7) === 3 || (tag & 7) === 4) throw new RangeError('a field is a group');
  reader.skipType(tag & 7);
  return reader.buf.slice(start, reader.pos);
}

function writeFields<Message extends { readonly unknownFields?: Uint8Array }>(
  writer: protobuf.Writer,
  message: Message,
  fields: readonly WireField<Message>[],
): void {
  for (const field of fields) field.write(writer, message);
  if (message.unknownFields !== undefined) appendRaw(writer, message.unknownFields);
}

/** Appends bytes that are whole fields. */
function appendRaw(writer: protobuf.Writer, bytes: Uint8Array): void {
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < bytes.length) {
    const tag = reader.uint32();
    const start = reader.pos;
    writer.uint32(tag);
    if ((tag & 7) === 0) writeVarint(writer, long(reader.uint64()));
    else if ((tag & 7) === 2) writer.bytes(reader.bytes());
    else if ((tag & 7) === 1) writer.fixed64(reader.fixed64());
    else if ((tag & 7) === 5) writer.fixed32(reader.fixed32());
    else reader.skipType(tag & 7);
    if (reader.pos === start) break;
  }
}
