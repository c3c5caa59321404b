import { applyCommand } from './apply-command.js';
import type { MetaCommand } from './command.js';
import { emptyMetaData, type MetaData, Privilege } from './meta-data.js';
import { defaultShardGroupDurationNs } from './retention-policy-rules.js';

const h = 3_600_000_000_000n;
const start = (): MetaData =>
  run(emptyMetaData(7n), { kind: 'create-database', name: 'a', withAutogen: true });
function run(data: MetaData, ...commands: MetaCommand[]): MetaData {
  return commands.reduce(applyCommand, data);
}
function refusal(...commands: MetaCommand[]): string {
  try {
    run(start(), ...commands);
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}
const policy = (spec: object, database = 'a', isDefault = false): MetaCommand => ({
  kind: 'create-retention-policy',
  database,
  spec: { name: 'x', replicaN: 1, ...spec },
  isDefault,
});
const alter = (change: object, database = 'a', name = 'x', isDefault = false): MetaCommand => ({
  kind: 'alter-retention-policy',
  database,
  name,
  change,
  isDefault,
});
const x3 = policy({ durationNs: 3n * h });
const withPolicy = (name: string, spec: object): MetaCommand => ({
  kind: 'create-database-with-policy',
  name,
  spec,
});
const subscribe = (
  destination: string,
  database = 'a',
  retentionPolicy = 'autogen',
): MetaCommand => ({
  kind: 'create-subscription',
  database,
  retentionPolicy,
  name: 's',
  mode: 'ALL',
  destinations: [destination],
});
const cq = (query: string, database = 'a'): MetaCommand => ({
  kind: 'create-continuous-query',
  database,
  name: 'c',
  query,
});
const user: MetaCommand = { kind: 'create-user', name: 'u', hash: 'h', isAdmin: false };

describe('applyCommand', () => {
  it('gives new databases the autogen policy', () => {
    expect(start().databases).toEqual([
      {
        name: 'a',
        defaultRetentionPolicy: 'autogen',
        retentionPolicies: [
          {
            name: 'autogen',
            durationNs: 0n,
            shardGroupDurationNs: 168n * h,
            replicaN: 1,
            shardGroups: [],
            subscriptions: [],
          },
        ],
        continuousQueries: [],
      },
    ]);
  });

  it.each([
    [0n, 168n],
    [180n * 24n, 168n],
    [179n * 24n, 24n],
    [48n, 24n],
    [47n, 1n],
    [1n, 1n],
  ])('fits shard groups to a duration of %s h', (duration, group) => {
    expect(defaultShardGroupDurationNs(duration * h)).toBe(group * h);
  });

  // Texts and order of checks as observed on InfluxDB 1.6.7.
  it.each<[string, MetaCommand[]]>([
    ['invalid name', [{ kind: 'create-database', name: '', withAutogen: true }]],
    ['invalid name', [{ kind: 'create-database', name: '..', withAutogen: true }]],
    ['invalid name', [{ kind: 'create-database', name: 'a/b', withAutogen: true }]],
    ['invalid name', [{ kind: 'create-database', name: 'a\u0007', withAutogen: true }]],
    ['name too long', [{ kind: 'create-database', name: 'a'.repeat(300), withAutogen: true }]],
    ['accepted', [{ kind: 'create-database', name: 'a', withAutogen: true }]],
    [
      'retention policy duration must be greater than the shard duration',
      [policy({ durationNs: h, shardGroupDurationNs: 2n * h })],
    ],
    [
      'retention policy duration must be greater than the shard duration',
      [policy({ durationNs: h, shardGroupDurationNs: 2n * h }, 'nodb')],
    ],
    ['retention policy duration must be at least 1h0m0s', [policy({ durationNs: h - 1n }, 'nodb')]],
    ['database not found: nodb', [policy({}, 'nodb')]],
    ['invalid name', [policy({ name: 'x/y' })]],
    ['replication factor must be greater than 0', [policy({ replicaN: 0 })]],
    ['accepted', [x3, policy({ durationNs: 3n * h, shardGroupDurationNs: 1n })]],
    ['retention policy already exists', [x3, policy({ durationNs: 4n * h })]],
    [
      'retention policy conflicts with an existing policy',
      [x3, policy({ durationNs: 3n * h }, 'a', true)],
    ],
    [
      'retention policy duration must be greater than the shard duration',
      [x3, alter({ shardGroupDurationNs: 5n * h })],
    ],
    ['retention policy duration must be at least 1h0m0s', [x3, alter({ durationNs: h / 60n })]],
    ['retention policy not found: n', [alter({ durationNs: 1n }, 'a', 'n')]],
    ['database not found: nodb', [alter({ durationNs: 1n }, 'nodb', 'n')]],
    ['accepted', [{ kind: 'drop-retention-policy', database: 'nodb', name: 'n' }]],
    ['accepted', [{ kind: 'drop-database', name: 'nodb' }]],
    [
      'accepted',
      [
        withPolicy('c', { name: 'foo' }),
        { kind: 'create-database', name: 'c', withAutogen: true },
        withPolicy('c', { name: 'foo' }),
      ],
    ],
    [
      'retention policy conflicts with an existing policy',
      [withPolicy('c', { name: 'foo' }), withPolicy('c', { name: 'autogen' })],
    ],
    [
      'retention policy conflicts with an existing policy',
      [withPolicy('c', { name: 'foo' }), withPolicy('c', { name: 'foo', durationNs: h })],
    ],
    ['retention policy duration must be at least 1h0m0s', [withPolicy('c', { durationNs: 1n })]],
    ['invalid name', [withPolicy('c', { name: '..' })]],
    ['invalid subscription URL: foo', [subscribe('foo', 'nodb')]],
    ['invalid subscription URL: http://127.0.0.1', [subscribe('http://127.0.0.1')]],
    ['invalid subscription URL: ftp://h:1', [subscribe('ftp://h:1')]],
    ['database not found: nodb', [subscribe('udp://h:1', 'nodb')]],
    ['retention policy not found: nope', [subscribe('udp://h:1', 'a', 'nope')]],
    ['accepted', [subscribe('HTTP://us:pw@h:1/x')]],
    ['subscription already exists', [subscribe('udp://h:1'), subscribe('udp://h:2')]],
    [
      'subscription not found',
      [{ kind: 'drop-subscription', database: 'a', retentionPolicy: 'autogen', name: 's' }],
    ],
    ['accepted', [cq('SELECT 1'), cq('select 1')]],
    ['continuous query already exists', [cq('SELECT 1'), cq('SELECT 2')]],
    ['database not found: nodb', [cq('SELECT 1', 'nodb')]],
    ['accepted', [{ kind: 'drop-continuous-query', database: 'nodb', name: 'c' }]],
    ['username required', [{ ...user, name: '' }]],
    ['user already exists', [user, user]],
    ['user not found', [{ kind: 'drop-user', name: 'u' }]],
    [
      'user not found',
      [{ kind: 'set-privilege', user: 'u', database: 'nodb', privilege: Privilege.READ }],
    ],
    [
      'database not found: nodb',
      [user, { kind: 'set-privilege', user: 'u', database: 'nodb', privilege: Privilege.READ }],
    ],
    ['user not found', [{ kind: 'set-admin', user: 'u', isAdmin: true }]],
    [
      'shard group not found',
      [{ kind: 'delete-shard-group', database: 'a', retentionPolicy: 'autogen', id: 9, nowNs: 1n }],
    ],
    ['accepted', [{ kind: 'drop-shard', id: 987654, nowNs: 1n }]],
  ])('%s', (text, commands) => {
    expect(refusal(...commands)).toBe(text);
  });

  it('keeps the name of a dropped default policy', () => {
    const data = run(start(), { kind: 'drop-retention-policy', database: 'a', name: 'autogen' });
    expect(data.databases[0]).toMatchObject({
      defaultRetentionPolicy: 'autogen',
      retentionPolicies: [],
    });
  });

  it('forgets privileges in a dropped database', () => {
    const data = run(
      start(),
      user,
      { kind: 'set-privilege', user: 'u', database: 'a', privilege: Privilege.ALL },
      { kind: 'drop-database', name: 'a' },
    );
    expect(data.users[0].privileges.size).toBe(0);
  });

  it('gives the same state back where nothing changes', () => {
    const data = run(start(), x3);
    expect(
      run(
        data,
        x3,
        { kind: 'drop-shard', id: 5, nowNs: 1n },
        { kind: 'prune-shard-groups', deletedBeforeNs: 5n },
      ),
    ).toBe(data);
  });
});
