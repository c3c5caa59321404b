import fc from 'fast-check';
import { messageOf, silentLogger } from '#kernel';
import { LocalMetaStore, MetaClient } from '#meta';
import { ManualClock, SimulatedFileSystem } from '#test-support';

/** What happens to the metadata: statements that run together, or trouble some operations of the disk from here on. */
type MetaStep =
  | { readonly kind: 'statements'; readonly statements: readonly Statement[] }
  | { readonly kind: 'crash' | 'fault'; readonly afterOperations: number };
interface Statement {
  readonly kind: 'create' | 'drop' | 'group';
  readonly database: string;
}

const NAMES = ['a', 'b', 'c', 'd'];
const statement: fc.Arbitrary<Statement> = fc.record({
  kind: fc.constantFrom<Statement['kind']>('create', 'create', 'drop', 'group'),
  database: fc.constantFrom(...NAMES),
});
const step: fc.Arbitrary<MetaStep> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('statements' as const),
      statements: fc.array(statement, { minLength: 1, maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('crash' as const, 'fault' as const),
      afterOperations: fc.nat(25),
    }),
  },
);
const history = fc.record({
  seed: fc.nat(),
  steps: fc.array(step, { minLength: 1, maxLength: 15 }),
});

/** Metadata on a simulated disk, and for each database whether it has to be there. */
class MetaLife {
  readonly faults: string[] = [];
  private readonly files: SimulatedFileSystem;
  /** By name: true, false, or both where a statement was cut off. */
  private readonly possible = new Map(NAMES.map((name) => [name, new Set([false])]));
  private client: MetaClient;

  constructor(seed: number) {
    this.files = new SimulatedFileSystem(seed);
    this.client = this.newClient();
  }

  async run(steps: readonly MetaStep[]): Promise<void> {
    await this.client.open();
    for (const each of steps) {
      await this.step(each);
      if (this.files.isStopped) await this.recover();
    }
    await this.recover();
  }

  private async step(each: MetaStep): Promise<void> {
    const at = this.files.operationCount + 1;
    if (each.kind === 'statements') {
      const outcomes = await Promise.allSettled(each.statements.map((s) => this.execute(s)));
      for (const [i, { kind, database }] of each.statements.entries()) {
        if (kind === 'group') continue;
        const possible = this.possible.get(database);
        if (outcomes[i].status === 'fulfilled') possible?.clear();
        possible?.add(kind === 'create');
      }
      // Several statements about one database may have been put into one commit: what shows now is what holds.
      if (outcomes.every(({ status }) => status === 'fulfilled')) this.check(false);
    } else if (each.kind === 'crash') this.files.stopAt = at + each.afterOperations;
    else this.files.fault = ({ number }) => (number === at + each.afterOperations ? 'EIO' : null);
  }

  private async execute({ kind, database }: Statement): Promise<void> {
    if (kind === 'create') await this.client.createDatabase(database);
    else if (kind === 'drop') await this.client.execute({ kind: 'drop-database', name: database });
    else if (this.client.database(database) !== undefined) {
      await this.client.createShardGroup(database, '', 5n).catch((error: unknown) => {
        if (!/database not found/.test(messageOf(error))) throw error;
      });
    }
  }

  private async recover(): Promise<void> {
    for (let starts = 0; starts < 20; starts++) {
      this.files.stopAt = 0;
      await this.client.close();
      this.files.crash();
      if (starts % 2 === 0) this.files.stopAt = this.files.operationCount + 1 + 2 * starts;
      this.client = this.newClient();
      try {
        await this.client.open();
        this.files.stopAt = Number.POSITIVE_INFINITY;
        this.check(true);
        return;
      } catch (error) {
        if (this.files.isStopped) continue;
        this.faults.push(`does not open: ${messageOf(error)}`);
        return;
      }
    }
  }

  private check(isSettled: boolean): void {
    for (const [name, possible] of this.possible) {
      const isThere = this.client.database(name) !== undefined;
      if (!possible.has(isThere)) this.faults.push(`${name}: ${isThere ? 'is there' : 'is lost'}`);
      if (!isSettled) continue;
      possible.clear();
      possible.add(isThere);
    }
    const aside = this.files.paths().filter((path) => path.includes('corrupt'));
    if (aside.length > 0) this.faults.push(`put aside: ${aside.join(' ')}`);
  }

  private newClient(): MetaClient {
    return new MetaClient({
      store: new LocalMetaStore(this.files, '/meta', silentLogger),
      config: { isRetentionAutocreated: true },
      clock: new ManualClock(),
      logger: silentLogger,
    });
  }
}

const create = (database: string): Statement => ({ kind: 'create', database });
/** Histories that went wrong once. */
const found: readonly { name: string; seed: number; steps: readonly MetaStep[] }[] = [
  {
    name: 'a replacement that failed after its rename, then another that a crash cut off',
    seed: 0,
    steps: [
      { kind: 'fault', afterOperations: 11 },
      { kind: 'statements', statements: [create('a')] },
      { kind: 'crash', afterOperations: 6 },
      { kind: 'statements', statements: [create('b')] },
    ],
  },
  {
    name: 'a database whose creation failed is dropped, which changes nothing in memory',
    seed: 254049417,
    steps: [
      { kind: 'statements', statements: [create('a')] },
      { kind: 'fault', afterOperations: 11 },
      { kind: 'statements', statements: [create('c')] },
      { kind: 'statements', statements: [{ kind: 'drop', database: 'c' }, create('a')] },
    ],
  },
];

describe('metadata on a disk that forgets and fails', () => {
  it('keeps every change that was acknowledged, and always opens', async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ seed, steps }) => {
        const life = new MetaLife(seed);
        await life.run(steps);
        expect(life.faults).toEqual([]);
      }),
      {
        numRuns: Number(process.env['CRASH_RUNS'] ?? 400),
        interruptAfterTimeLimit: 15_000,
        markInterruptAsFailure: false,
      },
    );
  }, 60_000);

  it.each(found)('$name', async ({ seed, steps }) => {
    const life = new MetaLife(seed);
    await life.run(steps);
    expect(life.faults).toEqual([]);
  });
});
