/**
 * `SHOW INGEST [FOR 'listener'] [LIMIT n]`: the balance sheet of all listeners, why points were rejected and where they were lost,
 * and the last offenders. A statement of Tidegate's own; its words stay usable as names.
 */
import { type ExtensionHandler, table } from '#coordinator';
import { formatRfc3339, quoteString, type StatementExtension } from '#influxql';
import { type BalanceSheet, sheetLine, type SheetLine, sheetTotal } from '#inputs';

const NAME = 'ingest';
const OFFENDERS_DEFAULT = 20;
const OFFENDERS_MAX = 1000;

/** Recognises the statement. */
export const showIngestExtension: StatementExtension = {
  word: 'INGEST',
  parse(cursor) {
    const listener = cursor.accept('FOR') ? cursor.string() : '';
    const limit = Math.min(OFFENDERS_MAX, cursor.optionalCount('LIMIT'));
    const filter = listener === '' ? '' : ` FOR ${quoteString(listener)}`;
    return {
      kind: 'extension',
      name: NAME,
      text: `SHOW INGEST${filter}${limit === 0 ? '' : ` LIMIT ${limit}`}`,
      options: { listener, limit: limit || OFFENDERS_DEFAULT },
      privileges: 'admin',
    };
  },
};

const SHEET = ['listener', 'received', 'stored', 'rejected', 'dropped', 'in_flight'];
const LOSSES = ['listener', 'outcome', 'reason', 'points'];
const OFFENDERS = ['time', 'listener', 'peer', 'reason', 'text', 'sample'];

/** Answers the statement: tables `ingest`, `losses` and `offenders`; the latter two only where there is something to show. */
export function showIngestHandler(sheet: Pick<BalanceSheet, 'snapshots'>): ExtensionHandler {
  return {
    name: NAME,
    run({ options }) {
      const wanted = String(options['listener']);
      const all = sheet
        .snapshots()
        .filter(
          ({ listener }) =>
            wanted === '' || listener === wanted || listener.startsWith(`${wanted} `),
        );
      const lines = all.map(sheetLine);
      const losses = all.flatMap(({ listener, rejected, dropped }) => [
        ...rejected.map(({ name, count }) => [listener, 'rejected', name, BigInt(count)]),
        ...dropped.map(({ name, count }) => [listener, 'dropped', name, BigInt(count)]),
      ]);
      const offenders = all
        .flatMap((books) => books.offenders.map((each) => ({ listener: books.listener, ...each })))
        .sort((a, b) => (a.timeNs < b.timeNs ? 1 : a.timeNs > b.timeNs ? -1 : 0))
        .slice(0, Number(options['limit']))
        .map(({ timeNs, listener, peer, reason, text, sample }) => [
          formatRfc3339(timeNs),
          listener,
          peer,
          reason,
          text,
          sample,
        ]);
      return [
        table(
          'ingest',
          SHEET,
          [...lines, ...(wanted === '' ? [sheetTotal(lines)] : [])].map(rowOf),
        ),
        ...(losses.length === 0 ? [] : [table('losses', LOSSES, losses)]),
        ...(offenders.length === 0 ? [] : [table('offenders', OFFENDERS, offenders)]),
      ];
    },
  };
}

const rowOf = (line: SheetLine): (string | bigint)[] => [
  line.listener,
  BigInt(line.received),
  BigInt(line.stored),
  BigInt(line.rejected),
  BigInt(line.dropped),
  BigInt(line.inFlight),
];
