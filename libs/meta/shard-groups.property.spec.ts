import fc from 'fast-check';
import { applyCommand } from './apply-command.js';
import type { MetaCommand } from './command.js';
import {
  effectiveEndNs,
  emptyMetaData,
  isDeleted,
  type MetaData,
  type ShardGroup,
} from './meta-data.js';
import { ShardGroupIndex } from './shard-group-index.js';
import { TIME_MAX_NS, TIME_MIN_NS, truncateTimeNs } from './shard-groups.js';

const place = { database: 'a', retentionPolicy: 'autogen' };
const h = 3_600_000_000_000n;
const start = (): MetaData =>
  applyCommand(emptyMetaData(1n), { kind: 'create-database', name: 'a', withAutogen: true });
const groupsOf = (data: MetaData): readonly ShardGroup[] =>
  data.databases[0].retentionPolicies[0].shardGroups;
const create = (timeNs: bigint): MetaCommand => ({ kind: 'create-shard-group', ...place, timeNs });

const time = fc.oneof(
  fc.bigInt(-1000n * h, 1000n * h),
  fc.bigInt(TIME_MIN_NS, TIME_MAX_NS),
  fc.constantFrom(TIME_MIN_NS, TIME_MAX_NS, 0n, -1n),
);
const step: fc.Arbitrary<MetaCommand> = fc.oneof(
  { weight: 6, arbitrary: time.map(create) },
  {
    weight: 2,
    arbitrary: fc.bigInt(1n, 400n).map((n): MetaCommand => ({
      kind: 'alter-retention-policy',
      database: 'a',
      name: 'autogen',
      change: { shardGroupDurationNs: n * h },
      isDefault: false,
    })),
  },
  {
    weight: 1,
    arbitrary: fc
      .integer({ min: 1, max: 20 })
      .map((id): MetaCommand => ({ kind: 'drop-shard', id, nowNs: 5n })),
  },
  {
    weight: 1,
    arbitrary: time.map((timeNs): MetaCommand => ({ kind: 'truncate-shard-groups', timeNs })),
  },
  {
    weight: 1,
    arbitrary: time.map((fromNs): MetaCommand => ({
      kind: 'precreate-shard-groups',
      fromNs,
      toNs: fromNs + 300n * h,
    })),
  },
);

describe('shard groups', () => {
  it('never overlap while they live, and take every time they were created for', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let data = start();
        for (const command of steps) {
          data = applyCommand(data, command);
          const index = new ShardGroupIndex(groupsOf(data));
          const live = groupsOf(data).filter(
            (group) => !isDeleted(group) && group.startNs < effectiveEndNs(group),
          );
          live.forEach((a) =>
            live.forEach((b) => {
              const overlap =
                a !== b && a.startNs < effectiveEndNs(b) && b.startNs < effectiveEndNs(a);
              expect(overlap).toBe(false);
            }),
          );
          if (command.kind === 'create-shard-group') {
            const found = index.at(command.timeNs);
            expect(
              found !== null && found.startNs <= command.timeNs && command.timeNs < found.endNs,
            ).toBe(true);
            expect(applyCommand(data, command)).toBe(data);
          }
        }
        const ids = groupsOf(data).map((group) => group.id);
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: 300 },
    );
  });

  it('are found like by a naive scan, also where foreign metadata overlaps', () => {
    const group = fc
      .tuple(fc.bigInt(-50n, 50n), fc.bigInt(1n, 30n), fc.boolean())
      .map(([startNs, width, isGone]): ShardGroup => ({
        id: 0,
        startNs,
        endNs: startNs + width,
        deletedAtNs: isGone ? 1n : 0n,
        truncatedAtNs: 0n,
        shards: [],
      }));
    fc.assert(
      fc.property(fc.array(group, { maxLength: 12 }), fc.bigInt(-60n, 90n), (groups, timeNs) => {
        const candidates = groups.filter(
          (g) => !isDeleted(g) && g.startNs <= timeNs && timeNs < g.endNs,
        );
        candidates.sort((a, b) => Number(a.endNs - b.endNs) || Number(a.startNs - b.startNs));
        expect(new ShardGroupIndex(groups).at(timeNs)).toEqual(candidates[0] ?? null);
      }),
      { numRuns: 500 },
    );
  });

  it('lie on the grid of InfluxDB: weeks begin on Monday, months of 30 days count from year 1', () => {
    expect(truncateTimeNs(1500000000000000000n, 168n * h)).toBe(1499644800000000000n);
    expect(truncateTimeNs(1500000000000000000n, 720n * h)).toBe(1498003200000000000n);
    expect(truncateTimeNs(-1n, h)).toBe(-h);
  });

  it('are precreated in spite of a group in the far future', () => {
    let data = [create(0n), create(4102444800000000000n)].reduce(applyCommand, start());
    const [first] = groupsOf(data);
    data = applyCommand(data, {
      kind: 'precreate-shard-groups',
      fromNs: first.endNs - h,
      toNs: first.endNs + 1n,
    });
    expect(groupsOf(data)).toHaveLength(3);
    expect(groupsOf(data)[1].startNs).toBe(first.endNs);
  });
});
