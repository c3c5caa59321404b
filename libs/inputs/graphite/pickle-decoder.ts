/**
 * Reads a Python pickle that is made of lists, tuples, strings, numbers, booleans and None, in protocols 0 to 5. Nothing else can
 * come of it: no opcode that names a class or calls one is known. Bounded in time and memory by the length of the input.
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
import { InputError } from '../shared/errors.js';

/** What a pickle holds; strings as their bytes (UTF-8 where Python had text), tuples as arrays. */
export type PickleValue = number | boolean | null | Uint8Array | readonly PickleValue[];

/** A list or tuple while it is being read. */
type Sequence = PickleValue[];

const latin1 = new TextDecoder('latin1');
/** Stands on the stack where MARK put it. */
const MARK = Symbol('mark');
type StackItem = PickleValue | typeof MARK;

const EMPTY_TUPLE: readonly PickleValue[] = [];

/**
 * Decodes one pickle.
 * @throws InputError `inputs.bad-pickle`; nothing else
 */
export function decodePickle(bytes: Uint8Array): PickleValue {
  return new PickleMachine(bytes).run();
}

function broken(what: string, at: number): InputError {
  return new InputError('inputs.bad-pickle', `bad pickle: ${what} at byte ${at}`);
}

/** The stack machine that a pickle is a program for. */
class PickleMachine {
  private readonly view: DataView;
  private at = 0;
  private readonly stack: StackItem[] = [];
  private readonly memo = new Map<number, PickleValue>();
  /** Lists and tuples that may still be made: a point takes two, and eight bytes at least. */
  private sequencesLeft: number;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.sequencesLeft = 16 + Math.floor(bytes.length / 4);
  }

  run(): PickleValue {
    for (;;) {
      const at = this.at;
      const opcode = this.bytes[this.take(1)];
      if (opcode === 0x2e) return this.pop();
      if (!this.number(opcode) && !this.string(opcode) && !this.structure(opcode)) {
        throw broken(`opcode 0x${opcode.toString(16).padStart(2, '0')} is not allowed`, at);
      }
    }
  }

  /** Opcodes that push numbers and the like. */
  private number(opcode: number): boolean {
    const { view } = this;
    switch (opcode) {
      case 0x4a: // BININT
        return this.push(view.getInt32(this.take(4), true));
      case 0x4b: // BININT1
        return this.push(view.getUint8(this.take(1)));
      case 0x4d: // BININT2
        return this.push(view.getUint16(this.take(2), true));
      case 0x47: // BINFLOAT
        return this.push(view.getFloat64(this.take(8), false));
      case 0x49: // INT
        return this.push(this.integerLine());
      case 0x4c: // LONG
        return this.push(this.integerLine());
      case 0x46: // FLOAT
        return this.push(this.floatLine());
      case 0x8a: // LONG1
        return this.push(this.long(view.getUint8(this.take(1))));
      case 0x8b: // LONG4
        return this.push(this.long(this.length32()));
      case 0x88: // NEWTRUE
        return this.push(true);
      case 0x89: // NEWFALSE
        return this.push(false);
      case 0x4e: // NONE
        return this.push(null);
      default:
        return false;
    }
  }

  /** Opcodes that push strings. */
  private string(opcode: number): boolean {
    const { view } = this;
    switch (opcode) {
      case 0x55: // SHORT_BINSTRING
      case 0x43: // SHORT_BINBYTES
      case 0x8c: // SHORT_BINUNICODE
        return this.push(this.raw(view.getUint8(this.take(1))));
      case 0x54: // BINSTRING
      case 0x42: // BINBYTES
      case 0x58: // BINUNICODE
        return this.push(this.raw(this.length32()));
      case 0x8d: // BINUNICODE8
      case 0x8e: // BINBYTES8
        return this.push(this.raw(this.length64()));
      case 0x53: // STRING
        return this.push(this.quotedLine());
      case 0x56: // UNICODE
        return this.push(this.unicodeLine());
      default:
        return false;
    }
  }

  /** Opcodes that build lists and tuples, remember values, or mean nothing. */
  private structure(opcode: number): boolean {
    switch (opcode) {
      case 0x28: // MARK
        this.stack.push(MARK);
        return true;
      case 0x5d: // EMPTY_LIST
        return this.push(this.sequence([]));
      case 0x6c: // LIST
      case 0x74: // TUPLE
        return this.push(this.sequence(this.popToMark()));
      case 0x29: // EMPTY_TUPLE
        return this.push(EMPTY_TUPLE);
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        return this.push(this.sequence(this.popMany(opcode - 0x84)));
      case 0x61: // APPEND
        return this.append([this.pop()]);
      case 0x65: // APPENDS
        return this.append(this.popToMark());
      case 0x30: // POP
        this.stack.pop();
        return true;
      case 0x80: // PROTO
        this.take(1);
        return true;
      case 0x95: // FRAME
        this.take(8);
        return true;
      default:
        return this.memory(opcode);
    }
  }

  /** Opcodes of the memo. */
  private memory(opcode: number): boolean {
    const { view } = this;
    switch (opcode) {
      case 0x70: // PUT
        return this.remember(this.integerLine());
      case 0x71: // BINPUT
        return this.remember(view.getUint8(this.take(1)));
      case 0x72: // LONG_BINPUT
        return this.remember(this.length32());
      case 0x94: // MEMOIZE
        return this.remember(this.memo.size);
      case 0x67: // GET
        return this.recall(this.integerLine());
      case 0x68: // BINGET
        return this.recall(view.getUint8(this.take(1)));
      case 0x6a: // LONG_BINGET
        return this.recall(this.length32());
      default:
        return false;
    }
  }

  private push(value: PickleValue): true {
    this.stack.push(value);
    return true;
  }

  private pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined || value === MARK) throw broken('the stack is empty', this.at);
    return value;
  }

  private popMany(count: number): Sequence {
    const values: Sequence = [];
    for (let i = 0; i < count; i++) values.push(this.pop());
    return values.reverse();
  }

  private popToMark(): Sequence {
    const mark = this.stack.lastIndexOf(MARK);
    if (mark < 0) throw broken('no mark', this.at);
    const values = this.stack.splice(mark) as Sequence;
    values.shift();
    return values;
  }

  private sequence(values: Sequence): Sequence {
    if (this.sequencesLeft-- <= 0) throw broken('too many lists', this.at);
    return values;
  }

  private append(values: Sequence): true {
    const list = this.stack[this.stack.length - 1];
    if (!Array.isArray(list) || list === EMPTY_TUPLE) throw broken('no list', this.at);
    for (const value of values) (list as Sequence).push(value);
    return true;
  }

  private remember(key: number): true {
    const value = this.pop();
    this.memo.set(key, value);
    return this.push(value);
  }

  private recall(key: number): true {
    const value = this.memo.get(key);
    if (value === undefined) throw broken(`memo ${key} is empty`, this.at);
    return this.push(value);
  }

  /** Moves on by some bytes; where they start. */
  private take(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw broken('it is cut short', start);
    this.at = start + length;
    return start;
  }

  private raw(length: number): Uint8Array {
    const start = this.take(length);
    return this.bytes.subarray(start, start + length);
  }

  private length32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  private length64(): number {
    const start = this.take(8);
    return this.view.getUint32(start, true) + this.view.getUint32(start + 4, true) * 4294967296;
  }

  private line(): Uint8Array {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw broken('it is cut short', this.at);
    const line = this.bytes.subarray(this.at, end);
    this.at = end + 1;
    return line;
  }

  private integerLine(): number {
    const { at } = this;
    const text = latin1.decode(this.line());
    if (text === '00' || text === '01') return Number(text);
    if (!/^[+-]?\d{1,400}L?$/.test(text)) throw broken('bad integer', at);
    return Number(text.replace('L', ''));
  }

  private floatLine(): number {
    const { at } = this;
    const text = latin1.decode(this.line());
    if (/^[+-]?inf$/.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
    if (text === 'nan') return Number.NaN;
    const value = Number(text);
    if (!/^[+-]?[\d.]+(?:e[+-]?\d+)?$/i.test(text) || Number.isNaN(value)) {
      throw broken('bad float', at);
    }
    return value;
  }

  /** A two's complement integer, low byte first. */
  private long(length: number): number {
    const bytes = this.raw(length);
    if (length > 128) throw broken('integer is too long', this.at);
    if (length === 0) return 0;
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]);
    return Number(BigInt.asIntN(8 * length, value));
  }

  /** `'text'` or `"text"`, as Python's repr writes it. */
  private quotedLine(): Uint8Array {
    const { at } = this;
    const line = latin1.decode(this.line()).trim();
    const quote = line[0];
    if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote)) {
      throw broken('bad string', at);
    }
    return Buffer.from(
      line.slice(1, -1).replace(/\\(?:x([\da-fA-F]{2})|(.))/g, (_all, hex?: string, c?: string) => {
        if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
        return c === 'n' ? '\n' : c === 't' ? '\t' : c === 'r' ? '\r' : (c ?? '');
      }),
      'latin1',
    );
  }

  /** Text with `\uXXXX` for what is not Latin-1. */
  private unicodeLine(): Uint8Array {
    const { at } = this;
    const text = latin1
      .decode(this.line())
      .replace(/\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g, (_all, four?: string, eight?: string) => {
        const code = Number.parseInt(four ?? eight ?? '', 16);
        if (code > 0x10ffff) throw broken('bad character', at);
        return String.fromCodePoint(code);
      });
    return Buffer.from(text, 'utf8');
  }
}
