/**
 * Remembers decoded times. The fields of a series are written together, so that their blocks carry the same encoded times:
 * those are compared as bytes, and decoded once for all fields.
 */
import { decodeTimes, TimeBlock } from '#encoding';

/** Blocks remembered; a scan that reads the fields one after another needs all of a series' blocks. */
const SLOT_COUNT = 64;

/** Decoded times, in the order of iteration. Immutable while it has users. */
export class RememberedTimes {
  readonly block = new TimeBlock();
  users = 0;
  encoded = new Uint8Array(0);
  encodedBytes = 0;
}

/** Shared by cursors that run in the same direction with the same base: over the fields of a series, and over series. */
export class TimeMemo {
  private readonly slots: (RememberedTimes | undefined)[] = new Array<RememberedTimes | undefined>(
    SLOT_COUNT,
  );

  /**
   * @param ascending false when the times are wanted latest first
   * @param baseNs what offsets are relative to; null for each block's first timestamp
   */
  constructor(
    readonly ascending: boolean,
    readonly baseNs: bigint | null,
  ) {}

  /**
   * The times encoded in `bytes[start .. end)`. The caller gives them back by counting `users` down.
   * @throws CorruptionError
   */
  take(bytes: Uint8Array, start: number, end: number): RememberedTimes {
    const number = slotOf(bytes, start, end);
    const found = this.slots[number];
    if (found !== undefined && isEqual(found, bytes, start, end)) {
      found.users++;
      return found;
    }
    // One that a batch still shows is left to it.
    const slot = found === undefined || found.users > 0 ? new RememberedTimes() : found;
    slot.encodedBytes = 0;
    this.slots[number] = slot;
    decodeInOrder(bytes, start, end, slot.block, this);
    if (slot.encoded.length < end - start) slot.encoded = new Uint8Array((end - start) * 2);
    slot.encoded.set(bytes.subarray(start, end));
    slot.encodedBytes = end - start;
    slot.users = 1;
    return slot;
  }
}

/**
 * Decodes times into the order of iteration.
 * @throws CorruptionError
 */
export function decodeInOrder(
  bytes: Uint8Array,
  start: number,
  end: number,
  block: TimeBlock,
  order: { readonly ascending: boolean; readonly baseNs: bigint | null },
): void {
  decodeTimes(bytes, start, end, block, order.baseNs);
  if (order.ascending) return;
  if (block.wide !== null) block.wide.subarray(0, block.count).reverse();
  else block.offsets.subarray(0, block.count).reverse();
}

function slotOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start;
  for (let i = start; i < start + 9 && i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 16)) & (SLOT_COUNT - 1);
}

function isEqual(times: RememberedTimes, bytes: Uint8Array, start: number, end: number): boolean {
  if (times.encodedBytes !== end - start) return false;
  return Buffer.compare(times.encoded.subarray(0, end - start), bytes.subarray(start, end)) === 0;
}
