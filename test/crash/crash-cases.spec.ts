import { type CrashHistory, liveThrough } from '#test-support';

const WHOLE_TIME = { minNs: -(2n ** 63n), maxNs: 2n ** 63n - 1n };

/** Histories of the crash model that went wrong once. */
const found: readonly ({ readonly name: string } & CrashHistory)[] = [
  {
    name: 'a segment of the log of which only the name is left goes at an orderly end',
    seed: 0,
    isSnapshotEager: false,
    steps: [
      { kind: 'crash', afterOperations: 1 },
      {
        kind: 'delete',
        shard: 2,
        deletion: { series: ['m', 'm,a=b', 'm,a=b,c=d'], ...WHOLE_TIME, measurement: 'm' },
        meanwhile: 'nothing',
      },
      { kind: 'crash', afterOperations: 0 },
      {
        kind: 'delete',
        shard: 1,
        deletion: { series: ['n,a=x\\ y'], minNs: 0n, maxNs: 10n, measurement: '' },
        meanwhile: 'snapshot',
      },
    ],
  },
  {
    name: 'a segment whose first bytes were not written is torn, not damaged',
    seed: 13,
    isSnapshotEager: false,
    steps: [
      { kind: 'crash', afterOperations: 4 },
      {
        kind: 'write',
        writes: [{ shard: 1, points: [{ series: 'm', timeNs: 0n, fields: ['s'] }] }],
        meanwhile: 'nothing',
      },
      { kind: 'crash', afterOperations: 0 },
    ],
  },
];

describe('crashes that went wrong once', () => {
  it.each(found)('$name', async (history) => {
    expect(await liveThrough(history)).toEqual([]);
  });
});
