/**
 * One file of the simulated file system: what programs see, what is on the disk, and the writes in between, which a power
 * loss keeps, loses, tears at sector boundaries or takes out of order.
 */
import type { SeededRandom } from './seeded-random.js';

/** What a disk writes in one piece. */
const SECTOR_BYTES = 512;

/** A change that is not durable yet. */
type Pending =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number };

/** Content of a file, whatever its name. */
export class SimulatedFile {
  readonly isDirectory = false;
  /** What programs read. */
  current: Uint8Array = new Uint8Array(0);
  /** What is on the disk for certain. */
  private durable: Uint8Array = new Uint8Array(0);
  private pending: Pending[] = [];

  /** Puts content there as if it had always been. */
  put(bytes: Uint8Array): void {
    this.current = bytes.slice();
    this.durable = this.current;
    this.pending = [];
  }

  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.current = withBytes(this.current, position, bytes);
    this.pending.push({ kind: 'write', position, bytes });
  }

  truncate(sizeBytes: number): void {
    this.current = withSize(this.current, sizeBytes);
    this.pending.push({ kind: 'truncate', sizeBytes });
  }

  /** Makes everything durable. */
  sync(): void {
    this.durable = this.current;
    this.pending = [];
  }

  /**
   * A sync that failed: Linux marks the pages clean, so that no later sync writes them. What has reached the disk is chance,
   * and programs go on reading what they wrote until the machine stops.
   */
  failSync(random: SeededRandom): void {
    this.durable = survivors(this.durable, this.pending, random);
    this.pending = [];
  }

  /** Power loss. */
  crash(random: SeededRandom): void {
    this.durable = survivors(this.durable, this.pending, random);
    this.current = this.durable;
    this.pending = [];
  }
}

/** What is on a disk after changes that were not waited for: some of their sectors, and the size of some of them. */
function survivors(
  durable: Uint8Array,
  pending: readonly Pending[],
  random: SeededRandom,
): Uint8Array {
  // One of: none, all, the first few of them, any of them, or any of their sectors.
  const mode = random.below(5);
  if (pending.length === 0 || mode === 0) return durable;
  const first = random.below(pending.length + 1);
  let content = durable;
  for (const [number, change] of pending.entries()) {
    const isKept = mode === 1 || (mode === 2 ? number < first : mode === 4 || random.chance(0.5));
    if (!isKept) continue;
    if (change.kind === 'truncate') {
      if (mode !== 4 || random.chance(0.5)) content = withSize(content, change.sizeBytes);
    } else if (mode === 4) {
      content = withSectors(content, change, random);
    } else {
      content = withBytes(content, change.position, change.bytes);
    }
  }
  return content;
}

/** Some of the sectors of a write; between them, and beyond where only the size was written, zeros. */
function withSectors(
  content: Uint8Array,
  { position, bytes }: { readonly position: number; readonly bytes: Uint8Array },
  random: SeededRandom,
): Uint8Array {
  let result = content;
  const end = position + bytes.length;
  for (let at = position; at < end;) {
    const next = Math.min(end, (Math.floor(at / SECTOR_BYTES) + 1) * SECTOR_BYTES);
    if (random.chance(0.5)) {
      result = withBytes(result, at, bytes.subarray(at - position, next - position));
    }
    at = next;
  }
  return random.chance(0.3) && result.length < end ? withSize(result, end) : result;
}

function withBytes(content: Uint8Array, position: number, bytes: Uint8Array): Uint8Array {
  const result = new Uint8Array(Math.max(content.length, position + bytes.length));
  result.set(content);
  result.set(bytes, position);
  return result;
}

function withSize(content: Uint8Array, sizeBytes: number): Uint8Array {
  const result = new Uint8Array(sizeBytes);
  result.set(content.subarray(0, sizeBytes));
  return result;
}
