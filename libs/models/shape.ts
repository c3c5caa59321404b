/**
 * Shapes: the field lists that points come with. Most senders repeat a few of them for ever, so a point is stored as its
 * shape and a row of numbers. The parser compares a line's field names with a shape's packed words instead of looking
 * names up. Talks to nobody; one table serves the whole process.
 */
import { invariant } from '#kernel';
import type { FieldType } from './field-type.js';

/** An ordered list of field names and types; equal lists are one object. Immutable. */
export interface Shape {
  /** Position in its table. */
  readonly id: number;
  readonly fieldCount: number;
  readonly names: readonly string[];
  /** The names' bytes, unescaped. */
  readonly nameBytes: readonly Uint8Array[];
  readonly types: Uint8Array;
  /** The first field whose name stands before it with another type, which no shard stores; -1 for none. */
  readonly conflictAt: number;
  /** `name=` as escaped in line protocol, in little-endian words; the last word of a name overlaps when it is not full. */
  readonly words: Int32Array;
  /** Where the words of each field start in `words`. */
  readonly wordStart: Int32Array;
  /** Bytes of `name=` as escaped. */
  readonly prefixLength: Int32Array;
  /** The longest of `prefixLength`. */
  readonly prefixLengthMax: number;
}

/** One field of a shape asked for: its unescaped name and its type. */
export interface ShapeField {
  readonly name: string;
  readonly type: FieldType;
}

/**
 * Most shapes with more than one field that a table keeps. Past it, points are laid out as one row per field, whose shapes
 * (one per distinct field) are as many as the fields that storage must know anyway. Hit by senders that leave out fields at
 * random: 2^n shapes for n fields.
 */
export const SHAPES_MAX = 16384;

const encoder = new TextEncoder();

/** All shapes seen by the process. */
export class ShapeTable {
  private readonly byKey = new Map<string, Shape>();
  private readonly shapes: Shape[] = [];
  private wideCount = 0;

  constructor(private readonly shapesMax = SHAPES_MAX) {}

  /** The shape with this id. */
  get(id: number): Shape {
    const shape = this.shapes[id];
    invariant(shape !== undefined, `shape ${id} is not in its table`);
    return shape;
  }

  get size(): number {
    return this.shapes.length;
  }

  /** The shape of `fields`, made on first sight; null when it has several fields and the table is full. */
  intern(fields: readonly ShapeField[]): Shape | null {
    let key = '';
    for (const { name, type } of fields) key += `${type}${name.length}:${name}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    if (fields.length > 1) {
      if (this.wideCount >= this.shapesMax) return null;
      this.wideCount++;
    }
    const shape = buildShape(this.shapes.length, fields);
    this.shapes.push(shape);
    this.byKey.set(key, shape);
    return shape;
  }
}

/** Escapes a field name for line protocol: comma, equals sign and space. */
export function escapeFieldName(name: string): string {
  return name.replace(/[,= ]/g, '\\$&');
}

function conflictAt(fields: readonly ShapeField[]): number {
  const seen = new Set<string>();
  return fields.findIndex(({ name }) => seen.size === seen.add(name).size);
}

function buildShape(id: number, fields: readonly ShapeField[]): Shape {
  const words: number[] = [];
  const wordStart = new Int32Array(fields.length);
  const prefixLength = new Int32Array(fields.length);
  fields.forEach(({ name }, f) => {
    const prefix = encoder.encode(`${escapeFieldName(name)}=`);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length);
    wordStart[f] = words.length;
    prefixLength[f] = prefix.length;
    let at = 0;
    for (; at + 4 <= prefix.length; at += 4) words.push(view.getInt32(at, true));
    if (prefix.length < 4) {
      let word = 0;
      for (let i = prefix.length - 1; i >= 0; i--) word = (word << 8) | (prefix[i] ?? 0);
      words.push(word);
    } else if (at < prefix.length) {
      words.push(view.getInt32(prefix.length - 4, true));
    }
  });
  return {
    id,
    fieldCount: fields.length,
    names: fields.map((field) => field.name),
    nameBytes: fields.map((field) => encoder.encode(field.name)),
    types: Uint8Array.from(fields, (field) => field.type),
    conflictAt: conflictAt(fields),
    words: Int32Array.from(words),
    wordStart,
    prefixLength,
    prefixLengthMax: prefixLength.reduce((a, b) => Math.max(a, b), 0),
  };
}
