import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import {
  allRuns,
  int64ToBigInt,
  type KnownSeries,
  LineParser,
  padBody,
  PointsBatch,
  ShapeTable,
} from '#models';
import { encodeDeletion } from './deletion-record.js';
import { WalSegmentReader } from './wal-decoder.js';
import { WalEncoder } from './wal-encoder.js';
import { WAL_MAGIC } from './wal-format.js';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class FakeCatalog implements KnownSeries {
  readonly shapeHints = new Int32Array(1024).fill(-1);
  private readonly keys: Uint8Array[] = [];

  find(): number {
    return -1;
  }

  addAlias(): void {}

  keyOf(seriesId: number): Uint8Array {
    return this.keys[seriesId];
  }

  number(batch: PointsBatch): void {
    for (const group of batch.groups) {
      for (let row = 0; row < group.rows; row++) {
        const start = group.keyStart[row];
        const key = batch.extra.slice(start, start + group.keyLength[row]);
        const known = this.keys.findIndex((other) => decoder.decode(other) === decoder.decode(key));
        group.seriesIds[row] = known >= 0 ? known : this.keys.push(key) - 1;
      }
    }
  }
}

/** The records of bodies of line protocol, one each. */
function encode(...bodies: string[]): Uint8Array {
  const catalog = new FakeCatalog();
  const parser = new LineParser(new ShapeTable());
  const wal = new WalEncoder();
  for (const body of bodies) {
    const bytes = encoder.encode(body);
    const batch = new PointsBatch();
    parser.parse(
      {
        body: padBody(bytes),
        length: bytes.length,
        known: catalog,
        precision: 'ns',
        defaultTime: () => 0n,
      },
      batch,
    );
    catalog.number(batch);
    wal.encodePoints(batch, allRuns(batch), catalog);
  }
  return wal.take(new Uint8Array(8));
}

/** What a segment holds, a text for each row of each record. */
function decode(records: Uint8Array): { rows: string[][]; damaged: number; unread: number } {
  const file = new Uint8Array(WAL_MAGIC.length + records.length);
  file.set(WAL_MAGIC);
  file.set(records, WAL_MAGIC.length);
  const rows: string[][] = [];
  const reader = new WalSegmentReader(new FakeCatalog(), new ShapeTable());
  const outcome = reader.read(
    file,
    (batch) => {
      const texts: [number, string][] = [];
      for (const group of batch.groups) {
        for (let row = 0; row < group.rows; row++) {
          const key = batch.extra.subarray(
            group.keyStart[row],
            group.keyStart[row] + group.keyLength[row],
          );
          const values = group.shape.names.map((name, f) => {
            const cell = group.values[f * group.capacity + row];
            return `${name}=${group.shape.types[f] === 3 ? JSON.stringify(decoder.decode(batch.stringBytes(cell))) : cell}`;
          });
          const time = int64ToBigInt(group.times[2 * row], group.times[2 * row + 1]);
          texts.push([
            group.pointNumbers[row],
            `${decoder.decode(key)} ${values.join(',')} ${time}`,
          ]);
        }
      }
      rows.push(texts.sort((a, b) => a[0] - b[0]).map(([, text]) => text));
    },
    ({ generation, minNs, maxNs, measurement, seriesKeys }) => {
      rows.push([
        `delete below ${generation} from ${minNs} to ${maxNs}`,
        `forget ${JSON.stringify(measurement)}`,
        ...seriesKeys.map((key) => decoder.decode(key.slice())),
      ]);
    },
  );
  return { rows, damaged: outcome.damagedRecords, unread: outcome.unreadBytes };
}

const bodies = [
  'm,a=b f=1.5,i=-2i 1000\nm,a=c f=2.25,i=9i 2000',
  'm,a=b f=1e300,i=4503599627370496i 99999999999999999\nn s="text" -5',
  'm,a=b g=true 7\nm,a=b f=1 8',
];
const rowsOf = [
  ['m,a=b f=1.5,i=-2 1000', 'm,a=c f=2.25,i=9 2000'],
  ['m,a=b f=1e+300,i=4503599627370496 99999999999999999', 'n s="text" -5'],
  ['m,a=b g=1 7', 'm,a=b f=1 8'],
];

describe('WAL records', () => {
  it('are read back', () => {
    expect(decode(encode(...bodies))).toEqual({ rows: rowsOf, damaged: 0, unread: 0 });
  });

  it('are what the format page says', () => {
    const page = readFileSync('docs/formats/wal.md', 'utf8');
    const [, lines = ''] = /```text\n([^`]*)```/.exec(page) ?? [];
    const [, hex = ''] = /```hex\n([^`]*)```/.exec(page) ?? [];
    const bytes = Uint8Array.from(hex.trim().split(/\s+/), (byte) => parseInt(byte, 16));
    expect(encode(lines.trim())).toEqual(bytes);
    expect(decode(bytes).rows).toEqual([
      ['m,a=b f=1.5,i=-2,ok=1,s="x" 1000', 'm,a=b f=2.5,i=9,ok=0,s="" 2000'],
    ]);
  });

  it('of deletions are what the format page says', () => {
    const page = readFileSync('docs/formats/wal.md', 'utf8');
    const [, line = ''] = /```text deletion\n([^`]*)```/.exec(page) ?? [];
    const [, hex = ''] = /```hex deletion\n([^`]*)```/.exec(page) ?? [];
    const [generation, minNs, maxNs, measurement, ...keys] = line.trim().split(' ');
    const wal = new WalEncoder();
    const deletion = {
      generation: Number(generation),
      minNs: BigInt(minNs),
      maxNs: BigInt(maxNs),
      measurement: JSON.parse(measurement) as string,
      seriesKeys: keys.map((key) => encoder.encode(key)),
    };
    wal.appendRecord(encodeDeletion(deletion));
    const bytes = wal.take(new Uint8Array(8)).slice();
    expect(Buffer.from(bytes).toString('hex')).toBe(hex.replace(/\s/g, ''));
    expect(decode(bytes)).toEqual({
      rows: [['delete below 3 from 1000 to 2000', 'forget ""', ...keys]],
      damaged: 0,
      unread: 0,
    });
  });

  it('of a deletion with any byte changed or cut off delete nothing', () => {
    const wal = new WalEncoder();
    wal.appendRecord(
      encodeDeletion({
        generation: 300,
        minNs: -5n,
        maxNs: 7n,
        measurement: 'm',
        seriesKeys: [encoder.encode('m,a=b')],
      }),
    );
    const record = wal.take(new Uint8Array(8)).slice();
    for (let at = 0; at < record.length; at++) {
      const changed = record.slice();
      changed[at] ^= 0x41;
      expect(decode(changed).rows).toEqual([]);
      expect(decode(record.subarray(0, at)).rows).toEqual([]);
    }
  });

  it('cut anywhere give the whole records before the cut', () => {
    const records = encode(...bodies);
    for (let length = 0; length < records.length; length++) {
      const { rows, damaged } = decode(records.subarray(0, length));
      expect(rows).toEqual(rowsOf.slice(0, rows.length));
      expect(damaged).toBe(0);
    }
  });

  it('with any byte changed never give a value that was not written', () => {
    const records = encode(...bodies);
    for (let at = 0; at < records.length; at++) {
      const changed = records.slice();
      changed[at] ^= 0x41;
      const { rows, damaged, unread } = decode(changed);
      for (const row of rows) expect(rowsOf).toContainEqual(row);
      expect(rows.length).toBeLessThan(rowsOf.length);
      expect(damaged + unread).toBeGreaterThan(0);
    }
  });

  it('of random bytes are refused without harm', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decode(bytes).rows).toEqual([]);
      }),
    );
  });
});
