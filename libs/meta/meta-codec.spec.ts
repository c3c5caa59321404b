import { readFileSync } from 'node:fs';
import {
  decodeMetaData,
  decodeWholeMetaData,
  encodeMetaData,
  salvageMetaData,
} from './meta-codec.js';

const golden = new Uint8Array(readFileSync('test/fixtures/meta-1.6.7.db'));

describe('meta codec', () => {
  it('reads a meta.db of InfluxDB 1.6.7', () => {
    const data = decodeMetaData(golden);
    expect([data.term, data.index, data.clusterId]).toEqual([0, 26, 173154857324718135n]);
    expect([data.nodeIdMax, data.shardGroupIdMax, data.shardIdMax]).toEqual([0, 5, 5]);
    expect(
      data.databases.map((database) => [database.name, database.defaultRetentionPolicy]),
    ).toEqual([
      ['m1', 'rpw'],
      ['m2', 'thirty'],
      ['d b', 'autogen'],
    ]);
    const [m1, , spaced] = data.databases;
    expect(m1.retentionPolicies[3]).toMatchObject({
      name: 'forever',
      durationNs: 0n,
      shardGroupDurationNs: 2592000000000000n,
      replicaN: 3,
      subscriptions: [{ name: 's2', mode: 'ANY', destinations: ['http://us:pw@127.0.0.1:9'] }],
    });
    expect(m1.continuousQueries.map((query) => query.name)).toEqual(['cq1', 'cq 2']);
    expect(spaced.retentionPolicies[0].shardGroups[0]).toEqual({
      id: 3,
      startNs: 1499644800000000000n,
      endNs: 1500249600000000000n,
      deletedAtNs: 1795254720660466442n,
      truncatedAtNs: 0n,
      shards: [],
    });
    expect(data.users.map((user) => [user.name, user.isAdmin, [...user.privileges]])).toEqual([
      ['root', true, []],
      [
        'reader',
        false,
        [
          ['m1', 1],
          ['m2', 3],
        ],
      ],
      ['we ird', false, [['d b', 2]]],
      ['nobody', false, []],
    ]);
  });

  it('writes it back byte for byte', () => {
    expect(Buffer.from(encodeMetaData(decodeMetaData(golden))).toString('hex')).toBe(
      Buffer.from(golden).toString('hex'),
    );
  });

  it('keeps fields it does not know, inside and outside', () => {
    // Field 30 varint -1 and field 31 text at the top; field 7 (the future limit of 1.12) in a retention policy.
    const data = decodeMetaData(golden);
    const policy = {
      ...data.databases[0].retentionPolicies[0],
      unknownFields: Uint8Array.of(0x38, 0x05),
    };
    const database = { ...data.databases[0], retentionPolicies: [policy] };
    const unknownFields = Uint8Array.of(
      0xf0,
      0x01,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0xff,
      0x01,
      0xfa,
      0x01,
      0x02,
      0x68,
      0x69,
    );
    const extended = { ...data, databases: [database], unknownFields };
    expect(decodeMetaData(encodeMetaData(extended))).toEqual(extended);
  });

  it('keeps the extremes of 64 bits', () => {
    const data = { ...decodeMetaData(golden), clusterId: 2n ** 64n - 1n };
    const [database] = data.databases;
    const group = {
      id: 2 ** 40,
      startNs: -(2n ** 63n),
      endNs: 2n ** 63n - 1n,
      deletedAtNs: 0n,
      truncatedAtNs: 5n,
      shards: [{ id: 9, ownerIds: [1, 2] }],
    };
    const edited = {
      ...data,
      databases: [
        {
          ...database,
          retentionPolicies: [{ ...database.retentionPolicies[0], shardGroups: [group] }],
        },
      ],
    };
    expect(decodeMetaData(encodeMetaData(edited))).toEqual(edited);
  });

  it('reads a start that wrapped around as the earliest time', () => {
    // What InfluxDB 1.6.7 stores of the group that begins at 1677-09-20T00:00:00Z, a week before its end.
    const data = decodeMetaData(golden);
    const [database] = data.databases;
    const group = {
      id: 1,
      startNs: -9223459200000000000n + 2n ** 64n,
      endNs: -9222854400000000000n,
      deletedAtNs: 0n,
      truncatedAtNs: 0n,
      shards: [{ id: 1, ownerIds: [] }],
    };
    const policy = { ...database.retentionPolicies[0], shardGroups: [group] };
    const stored = { ...data, databases: [{ ...database, retentionPolicies: [policy] }] };
    const bytes = encodeMetaData(stored);
    const starts = [
      decodeMetaData(bytes),
      decodeWholeMetaData(bytes),
      salvageMetaData(bytes).data,
    ].map((read) => read?.databases[0].retentionPolicies[0].shardGroups[0].startNs);
    expect(starts).toEqual([-9223372036854775806n, -9223372036854775806n, -9223372036854775806n]);
  });

  it('takes a file cut between two fields for damaged', () => {
    const end = encodeMetaData({ ...decodeMetaData(golden), databases: [], users: [] });
    expect(decodeWholeMetaData(end)).not.toBeNull();
    expect(decodeWholeMetaData(end.subarray(0, end.length - 2))).toBeNull();
    expect(decodeWholeMetaData(golden.subarray(0, 700))).toBeNull();
  });

  it('refuses bytes that are cut short, and salvages what stands before', () => {
    const cut = golden.subarray(0, 700);
    expect(() => decodeMetaData(cut)).toThrow(/^cannot read metadata of 700 bytes: /);
    const { data, lost } = salvageMetaData(cut);
    expect(lost).toBeGreaterThan(0);
    expect(data.databases.map((database) => database.name).slice(0, 2)).toEqual(['m1', 'm2']);
    expect(data.shardIdMax).toBeGreaterThanOrEqual(1000);
  });

  it('never throws while salvaging, whatever byte is damaged', () => {
    for (let i = 0; i < golden.length; i++) {
      const damaged = golden.slice();
      damaged[i] ^= 0x55;
      expect(salvageMetaData(damaged).data.shardIdMax).toBeGreaterThanOrEqual(1000);
      expect(salvageMetaData(golden.subarray(0, i)).data.term).toBe(0);
    }
  });
});
