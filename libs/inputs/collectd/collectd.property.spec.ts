import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PointsBuilder, ShapeTable } from '#models';
import { fuzzInput } from '../testing/index.js';
import { parseAuthFile } from './auth-file.js';
import { collectdInput } from './collectd.input.js';
import { castValue, readValue } from './packet-values.js';
import { PacketDecoder, SecurityLevel } from './packet-decoder.js';
import { TypesDb } from './types-db.js';

const FIXTURES = 'test/fixtures/captures/collectd';

function records(name: string): Buffer[] {
  const bytes = readFileSync(`${FIXTURES}/${name}`);
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    found.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at)));
  }
  return found;
}

const handmade = (
  JSON.parse(readFileSync(`${FIXTURES}/handmade.json`, 'utf8')) as readonly { hex: string }[]
).map(({ hex }) => Buffer.from(hex, 'hex'));
const packets = [
  ...['plain.pkts', 'sign.pkts', 'encrypt.pkts', 'tg.pkts'].flatMap(records),
  ...handmade,
];

/** A decoder, and what it tells. */
function decoder(levelMin: number, isJoined: boolean) {
  const counts = { points: 0, invalid: 0, rejected: 0, notifications: 0 };
  const builder = new PointsBuilder(new ShapeTable());
  const made = new PacketDecoder({ levelMin, isJoined }, builder, {
    onPoints: (count) => (counts.points += count),
    onInvalid: (count) => (counts.invalid += count),
    onReject: () => counts.rejected++,
    onNotification: () => counts.notifications++,
  });
  const types = new TypesDb();
  types.add(readFileSync(`${FIXTURES}/types.db`, 'latin1'));
  made.setTypes(types);
  made.setUsers(parseAuthFile(readFileSync(`${FIXTURES}/auth_file`, 'latin1')));
  return { made, counts, builder };
}

describe('PacketDecoder', () => {
  it.each([
    [SecurityLevel.none, false],
    [SecurityLevel.none, true],
    [SecurityLevel.sign, false],
  ])('never throws, whatever the bytes (level %s, joined %s)', (level, isJoined) => {
    const { made, counts, builder } = decoder(level, isJoined);
    const edit = fc.tuple(fc.nat(1400), fc.nat(12), fc.uint8Array({ maxLength: 6 }));
    fc.assert(
      fc.property(
        fc.constantFrom(...packets),
        fc.array(edit, { maxLength: 4 }),
        (packet, edits) => {
          let bytes: Uint8Array = packet;
          for (const [at, gone, put] of edits) {
            bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + gone)]);
          }
          const before = builder.pointCount;
          counts.points = 0;
          made.decode(bytes);
          expect(builder.pointCount - before).toBe(counts.points);
          builder.recycle(builder.take(null));
        },
      ),
      { numRuns: 1500 },
    );
  });

  it('says the same of a packet again and again', () => {
    const { made, counts, builder } = decoder(SecurityLevel.none, false);
    const told = packets.map((packet) => {
      Object.assign(counts, { points: 0, invalid: 0, rejected: 0, notifications: 0 });
      made.decode(packet);
      return { ...counts };
    });
    builder.recycle(builder.take(null));
    packets.forEach((packet, i) => {
      Object.assign(counts, { points: 0, invalid: 0, rejected: 0, notifications: 0 });
      made.decode(packet);
      expect(counts).toEqual(told[i]);
    });
  });

  it('does not get lost in packets made of signatures', () => {
    const { made, counts } = decoder(SecurityLevel.none, false);
    const signature = Buffer.concat([
      Buffer.from([2, 0, 0, 41]),
      Buffer.alloc(32),
      Buffer.from('alice'),
    ]);
    made.decode(Buffer.concat(Array.from({ length: 1500 }, () => signature)));
    expect(counts).toEqual({ points: 0, invalid: 0, rejected: 1, notifications: 0 });
  });
});

describe('values', () => {
  const view = new DataView(new ArrayBuffer(8));

  it('are read as 64-bit integers are', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (integer) => {
        view.setBigInt64(0, integer);
        expect(readValue(view, 0, 2)).toBe(Number(integer));
        expect(readValue(view, 0, 0)).toBe(Number(BigInt.asUintN(64, integer)));
        // Bits stay where the kinds differ.
        const derive = readValue(view, 0, 2);
        if (Number.isSafeInteger(derive) && derive >= 0)
          expect(castValue(derive, 2, 0)).toBe(derive);
      }),
      { numRuns: 500 },
    );
  });

  it('are converted as Go converts numbers', () => {
    const f = (value: number, from: number, to: number, result: number): void =>
      expect(castValue(value, from, to)).toBe(result);
    f(-7, 2, 0, 2 ** 64 - 7);
    f(-7, 2, 1, -7);
    f(2 ** 64, 0, 2, 0);
    f(2 ** 63, 0, 2, -(2 ** 63));
    f(1.9, 1, 2, 1);
    f(-1.9, 1, 2, -1);
    f(Number.NaN, 1, 2, -(2 ** 63));
    f(1e300, 1, 2, -(2 ** 63));
    f(1.9, 1, 0, 1);
    f(-1.9, 1, 3, 2 ** 64 - 1);
    f(Number.NaN, 1, 0, 2 ** 63);
    f(5, 0, 3, 5);
  });
});

describe('datagrams', () => {
  it('stay harmless when mutated', async () => {
    const report = await fuzzInput({
      definition: collectdInput,
      toml: `bind-address = "127.0.0.1:0"\ntypesdb = "${FIXTURES}/types.db"\nauth-file = "${FIXTURES}/auth_file"`,
      transport: 'udp',
      database: 'collectd',
      seeds: packets,
      pieces: 1500,
      seed: 13,
    });
    expect(report.rejected).toBeGreaterThan(100);
    expect(report.stored).toBeGreaterThan(100);
  }, 60_000);
});
