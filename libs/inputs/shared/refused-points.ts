/**
 * Books points that storage refuses, and keeps them: what they came from is gone by then, so they are kept as lines of line protocol
 * in nanoseconds, those of one sender and reason together. Does nothing while all points are stored.
 */
import { LineEncoder, type PointsBatch, type RowRun } from '#models';
import { type IngestLedger, FORM, LINE_FORM, phraseOf } from './ingest-ledger.js';
import type { PointSink } from './point-sink.js';

/** Where points were to go. */
export interface PointsPlace {
  readonly database: string;
  readonly retentionPolicy: string;
}

/** Bytes of lines after which a piece is full. */
const PIECE_BYTES = 16 * 1024;
/** Pieces kept of one batch; what is beyond is counted alone. */
const PIECES_MAX = 64;

/** Lines of one sender, refused for one reason. */
interface Piece {
  readonly reason: string;
  /** Of the first of them. */
  readonly text: string;
  readonly peer: string;
  readonly lines: Uint8Array[];
  sizeBytes: number;
}

/** A row of a batch, and why it is not stored. */
interface RefusedRow {
  readonly run: RowRun;
  readonly pointNumber: number;
  readonly text: string;
}

/** Hands a piece on, and says of how many points it is. */
type Keep = (piece: Piece, count: number, raw: Uint8Array) => void;

/** See the header. Calls must not overlap with changes of the batch. */
export class RefusedPoints {
  private readonly encoder = new LineEncoder();

  constructor(
    private readonly ledger: IngestLedger,
    private readonly sink: Pick<PointSink, 'keyOf'>,
  ) {}

  /**
   * Books points that were refused one by one, and keeps those that the batch lists (`areRefusalsWanted`).
   * @param dropped how many
   * @param reason InfluxDB's text for the first
   */
  refuse(batch: PointsBatch, place: PointsPlace, dropped: number, reason: string): void {
    const { ledger } = this;
    let left = dropped;
    this.keep(batch, place, refusedRows(batch), ({ reason: phrase, text, peer }, count, raw) => {
      left -= count;
      ledger.reject({ count, reason: phrase, text, peer, raw, target: targetOf(place) });
    });
    if (left > 0) ledger.refuse(left, reason);
  }

  /** Books all points of a batch as lost on the way to storage, and keeps them. */
  lose(batch: PointsBatch, place: PointsPlace, text: string): void {
    const { ledger } = this;
    let left = batch.pointCount;
    this.keep(batch, place, allRows(batch, text), ({ reason, peer }, count, raw) => {
      left -= count;
      ledger.lose({ count, reason, text, peer, raw, target: targetOf(place) }, LOST_AT);
    });
    if (left > 0) ledger.drop(left, LOST_AT);
  }

  private keep(
    batch: PointsBatch,
    { database }: PointsPlace,
    rows: Iterable<RefusedRow>,
    take: Keep,
  ): void {
    const open = new Map<string, Piece>();
    const kept = new Map<string, boolean>();
    let pieces = 0;
    const keyOf = (seriesId: number): Uint8Array => this.sink.keyOf(database, seriesId);
    const end = (piece: Piece): void => {
      if (pieces++ < PIECES_MAX) take(piece, piece.lines.length, Buffer.concat(piece.lines));
    };
    for (const { run, pointNumber, text } of rows) {
      if (pieces >= PIECES_MAX) break;
      const reason = phraseOf(text);
      // In a flood most are not kept: then none is made a line of.
      const isKept = kept.get(reason) ?? this.ledger.isKept(reason);
      kept.set(reason, isKept);
      if (!isKept) continue;
      const { bytes, points } = this.encoder.encode(batch, [run], keyOf);
      if (points === 0) continue;
      const { peer } = batch.sourceOf(pointNumber);
      const id = `${peer}\n${reason}`;
      let piece = open.get(id);
      if (piece !== undefined && piece.sizeBytes + bytes.length > PIECE_BYTES) {
        end(piece);
        piece = undefined;
      }
      if (piece === undefined) {
        piece = { reason, text, peer, lines: [], sizeBytes: 0 };
        open.set(id, piece);
      }
      piece.lines.push(bytes.slice());
      piece.sizeBytes += bytes.length;
    }
    for (const piece of open.values()) end(piece);
  }
}

/** Place of points that were lost for good. */
const LOST_AT = 'write';

const targetOf = ({ database, retentionPolicy }: PointsPlace) => ({
  [FORM]: LINE_FORM,
  database,
  retentionPolicy,
});

/** The rows that a batch lists as refused, in their order. */
function* refusedRows(batch: PointsBatch): Generator<RefusedRow> {
  const refusals = [...batch.refusals].sort((a, b) => a.pointNumber - b.pointNumber);
  for (const { pointNumber, reason: text } of refusals) {
    for (const group of batch.groups) {
      const row = rowOf(group.pointNumbers, group.rows, pointNumber);
      if (row >= 0) yield { run: { group, from: row, to: row + 1 }, pointNumber, text };
    }
  }
}

function* allRows(batch: PointsBatch, text: string): Generator<RefusedRow> {
  for (const group of batch.groups) {
    for (let row = 0; row < group.rows; row++) {
      const pointNumber = group.pointNumbers[row];
      yield { run: { group, from: row, to: row + 1 }, pointNumber, text };
    }
  }
}

/** Where a number is among the first `rows` of ascending ones, or -1. */
function rowOf(numbers: Int32Array, rows: number, wanted: number): number {
  let from = 0;
  let to = rows;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (numbers[middle] < wanted) from = middle + 1;
    else to = middle;
  }
  return from < rows && numbers[from] === wanted ? from : -1;
}
