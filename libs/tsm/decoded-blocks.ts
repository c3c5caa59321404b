/**
 * Blocks that reading decoded, by type: what EXPLAIN ANALYZE tells of a query.
 */
import type { FieldType } from '#models';

/** Counted up by those who decode, by field type; its owner reads it when they are done. */
export interface DecodedBlocks {
  readonly blocks: Float64Array;
  /** Bytes as they are in the files. */
  readonly sizesBytes: Float64Array;
}

/** Counts a block. */
export function countBlock(
  { blocks, sizesBytes }: DecodedBlocks,
  type: FieldType,
  sizeBytes: number,
): void {
  blocks[type]++;
  sizesBytes[type] += sizeBytes;
}
