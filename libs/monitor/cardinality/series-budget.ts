/** A budget of new series a minute for each of many: listeners, senders, measurements. */

/** Who has an account of his own in a minute; all others share one. */
export const ACCOUNTS_MAX = 10_000;
const OTHERS = '(others)';

/** Accounts of one minute. */
export class SeriesBudget {
  private readonly spent = new Map<string, number>();
  private readonly overflow = new Map<string, number>();

  constructor(
    /** What the budget is by: `peer`. */
    readonly name: string,
    /** New series a minute; 0 = no limit. */
    readonly max: number,
  ) {}

  /** True when nothing is left for `who`. */
  isSpent(who: string): boolean {
    return this.max > 0 && (this.spent.get(this.account(this.spent, who)) ?? 0) >= this.max;
  }

  /** Books a new series. */
  spend(who: string): void {
    if (this.max > 0) add(this.spent, this.account(this.spent, who));
  }

  /** Books a series of what was folded, of which there may be as many again; false when they are spent, too. */
  spendOverflow(who: string): boolean {
    const account = this.account(this.overflow, who);
    if ((this.overflow.get(account) ?? 0) >= this.max) return false;
    add(this.overflow, account);
    return true;
  }

  /** Begins a new minute. */
  reset(): void {
    this.spent.clear();
    this.overflow.clear();
  }

  private account(accounts: ReadonlyMap<string, number>, who: string): string {
    return accounts.has(who) || accounts.size < ACCOUNTS_MAX ? who : OTHERS;
  }
}

const add = (to: Map<string, number>, who: string): void => {
  to.set(who, (to.get(who) ?? 0) + 1);
};
