/**
 * The fields of one shard: their types by measurement. The first write of a field fixes its type in this shard; another
 * shard may have another type. Same as InfluxDB 1.x.
 */
import { type FieldType, fieldTypeName, type Shape } from '#models';

/** The first conflict of a point's fields with what the shard has, or null. */
export type FieldConflict = {
  readonly field: string;
  readonly type: FieldType;
  readonly existingType: FieldType;
} | null;

const FITS = 1;
const UNKNOWN = 0;

/** Field types by measurement, with a memory of which shapes have been checked. */
export class ShardFields {
  private readonly types: (Map<string, FieldType> | undefined)[] = [];
  /** By measurement id, then shape id: FITS once all fields of the shape are known with their types. */
  private readonly checked: (Uint8Array | undefined)[] = [];
  private count = 0;

  /** Counts up whenever fields come or go. */
  version = 0;

  /** Measurement ids that have fields, and the types of those. */
  *[Symbol.iterator](): Generator<[number, ReadonlyMap<string, FieldType>]> {
    for (const [measurementId, types] of this.types.entries()) {
      if (types !== undefined && types.size > 0) yield [measurementId, types];
    }
  }

  /** Number of fields over all measurements. */
  get fieldCount(): number {
    return this.count;
  }

  /** True when every field of the shape is known for the measurement with its type. */
  fits(measurementId: number, shapeId: number): boolean {
    const checked = this.checked[measurementId];
    return checked !== undefined && shapeId < checked.length && checked[shapeId] === FITS;
  }

  /** The first field of the shape that has another type here already, or in the shape itself. */
  conflict(measurementId: number, shape: Shape): FieldConflict {
    const types = this.types[measurementId] ?? NO_FIELDS;
    if (types.size === 0 && shape.conflictAt < 0) return null;
    for (let f = 0; f < shape.fieldCount; f++) {
      const existingType = types.get(shape.names[f]) ?? earlierType(shape, f);
      if (existingType !== undefined && existingType !== shape.types[f]) {
        return { field: shape.names[f], type: shape.types[f] as FieldType, existingType };
      }
    }
    return null;
  }

  /** Adds the fields of a shape, which must not conflict. */
  add(measurementId: number, shape: Shape): void {
    for (let f = 0; f < shape.fieldCount; f++) {
      this.addField(measurementId, shape.names[f], shape.types[f] as FieldType);
    }
    let checked = this.checked[measurementId];
    if (checked === undefined || shape.id >= checked.length) {
      const wider = new Uint8Array(Math.max(16, shape.id * 2)).fill(UNKNOWN);
      if (checked !== undefined) wider.set(checked);
      checked = wider;
      this.checked[measurementId] = checked;
    }
    checked[shape.id] = FITS;
  }

  /** Adds a field found on disk; its first type stays. */
  addField(measurementId: number, name: string, type: FieldType): void {
    const types = (this.types[measurementId] ??= new Map<string, FieldType>());
    if (types.has(name)) return;
    types.set(name, type);
    this.version++;
    this.count++;
  }

  /** Forgets the fields of a measurement: they may get other types. */
  forget(measurementId: number): void {
    this.version++;
    this.count -= this.fields(measurementId).size;
    this.types[measurementId] = undefined;
    this.checked[measurementId] = undefined;
  }

  /** Type of a field, or null when the shard does not have it. */
  type(measurementId: number, name: string): FieldType | null {
    return this.types[measurementId]?.get(name) ?? null;
  }

  /** Fields of a measurement, in order of appearance. */
  fields(measurementId: number): ReadonlyMap<string, FieldType> {
    return this.types[measurementId] ?? NO_FIELDS;
  }
}

function earlierType(shape: Shape, f: number): FieldType | undefined {
  return f === shape.conflictAt
    ? (shape.types[shape.names.indexOf(shape.names[f])] as FieldType)
    : undefined;
}

const NO_FIELDS: ReadonlyMap<string, FieldType> = new Map();

/** InfluxDB's text for a point that was dropped for a conflict. */
export function conflictText(measurement: string, conflict: NonNullable<FieldConflict>): string {
  return (
    `field type conflict: input field "${conflict.field}" on measurement "${measurement}" is type ` +
    `${fieldTypeName(conflict.type)}, already exists as type ${fieldTypeName(conflict.existingType)}`
  );
}
