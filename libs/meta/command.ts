/**
 * Changes of metadata as values that can be stored, sent and applied anywhere with the same result: whatever depends on a
 * clock, chance or a secret (times, hashes) is settled before a command is made.
 */
import type { MetaData, Privilege } from './meta-data.js';

/** What a statement says about a new retention policy; absent parts take their defaults. */
export interface RetentionPolicySpec {
  readonly name?: string;
  readonly durationNs?: bigint;
  readonly replicaN?: number;
  readonly shardGroupDurationNs?: bigint;
}

/** A change of metadata. */
export type MetaCommand =
  | { readonly kind: 'create-database'; readonly name: string; readonly withAutogen: boolean }
  | {
      readonly kind: 'create-database-with-policy';
      readonly name: string;
      readonly spec: RetentionPolicySpec;
    }
  | { readonly kind: 'drop-database'; readonly name: string }
  | {
      readonly kind: 'create-retention-policy';
      readonly database: string;
      readonly spec: RetentionPolicySpec;
      readonly isDefault: boolean;
    }
  | {
      readonly kind: 'alter-retention-policy';
      readonly database: string;
      readonly name: string;
      /** A `name` renames the policy. */
      readonly change: RetentionPolicySpec;
      readonly isDefault: boolean;
    }
  | { readonly kind: 'drop-retention-policy'; readonly database: string; readonly name: string }
  | {
      readonly kind: 'create-shard-group';
      readonly database: string;
      readonly retentionPolicy: string;
      /** Any time within the group wanted. */
      readonly timeNs: bigint;
    }
  | {
      readonly kind: 'delete-shard-group';
      readonly database: string;
      readonly retentionPolicy: string;
      readonly id: number;
      readonly nowNs: bigint;
    }
  /** Marks every group as deleted whose policy keeps none of its points any more. */
  | { readonly kind: 'delete-expired-shard-groups'; readonly nowNs: bigint }
  | { readonly kind: 'drop-shard'; readonly id: number; readonly nowNs: bigint }
  | { readonly kind: 'prune-shard-groups'; readonly deletedBeforeNs: bigint }
  | { readonly kind: 'precreate-shard-groups'; readonly fromNs: bigint; readonly toNs: bigint }
  | { readonly kind: 'truncate-shard-groups'; readonly timeNs: bigint }
  | {
      readonly kind: 'create-continuous-query';
      readonly database: string;
      readonly name: string;
      readonly query: string;
    }
  | { readonly kind: 'drop-continuous-query'; readonly database: string; readonly name: string }
  | {
      readonly kind: 'create-subscription';
      readonly database: string;
      readonly retentionPolicy: string;
      readonly name: string;
      readonly mode: string;
      readonly destinations: readonly string[];
      /** See Subscription; '' or absent for none. */
      readonly condition?: string;
    }
  | {
      readonly kind: 'drop-subscription';
      readonly database: string;
      readonly retentionPolicy: string;
      readonly name: string;
    }
  | {
      readonly kind: 'create-user';
      readonly name: string;
      /** bcrypt hash of the password. */
      readonly hash: string;
      readonly isAdmin: boolean;
    }
  | { readonly kind: 'set-password'; readonly name: string; readonly hash: string }
  | { readonly kind: 'drop-user'; readonly name: string }
  | {
      readonly kind: 'set-privilege';
      readonly user: string;
      readonly database: string;
      readonly privilege: Privilege;
    }
  | { readonly kind: 'set-admin'; readonly user: string; readonly isAdmin: boolean }
  /** Replaces everything, for a restore. */
  | { readonly kind: 'set-data'; readonly data: MetaData };
