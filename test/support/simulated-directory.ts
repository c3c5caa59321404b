/**
 * One directory of the simulated file system. Creating, renaming and removing change what programs see at once, and the disk
 * when the directory is synced; a power loss before keeps any of them, each as a whole, in any order.
 *
 * That is harsher than ext4, XFS and btrfs, whose journals keep the order of such changes: POSIX promises no more than this.
 */
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedFile } from './simulated-file.js';

/** What a name stands for. */
export type SimulatedNode = SimulatedFile | SimulatedDirectory;

/** A change of names: takes one away, gives one, or both at once (a rename). */
interface NameChange {
  readonly removed: string | null;
  readonly added: { readonly name: string; readonly node: SimulatedNode } | null;
}

/** Names of a directory. */
export class SimulatedDirectory {
  readonly isDirectory = true;
  /** What programs see. */
  current = new Map<string, SimulatedNode>();
  private durable = new Map<string, SimulatedNode>();
  private pending: NameChange[] = [];

  link(name: string, node: SimulatedNode): void {
    this.change({ removed: null, added: { name, node } });
  }

  unlink(name: string): void {
    this.change({ removed: name, added: null });
  }

  rename(from: string, to: string, node: SimulatedNode): void {
    this.change({ removed: from, added: { name: to, node } });
  }

  /** Makes all names durable; what they stand for is synced by itself. */
  sync(): void {
    this.durable = new Map(this.current);
    this.pending = [];
  }

  /** Power loss, here and in everything below. */
  crash(random: SeededRandom): void {
    // One of: none, all, the first few, any of them.
    const mode = random.below(4);
    const first = random.below(this.pending.length + 1);
    for (const [number, change] of this.pending.entries()) {
      const isKept = mode === 1 || (mode === 2 ? number < first : mode === 3 && random.chance(0.5));
      if (isKept) apply(this.durable, change);
    }
    this.pending = [];
    this.current = new Map(this.durable);
    for (const node of this.current.values()) node.crash(random);
  }

  private change(change: NameChange): void {
    apply(this.current, change);
    this.pending.push(change);
  }
}

function apply(names: Map<string, SimulatedNode>, { removed, added }: NameChange): void {
  if (removed !== null) names.delete(removed);
  if (added !== null) names.set(added.name, added.node);
}
