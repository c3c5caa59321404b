/**
 * Line protocol into storage: parses a body with the series of its database at hand, writes what is good and says what is
 * not. Serves HTTP's /write and every other input of line protocol.
 */
import { type Clock } from '#kernel';
import {
  findLineEnd,
  LineParser,
  type Precision,
  precisionNs,
  PointsBatch,
  type PointSource,
  type RejectedLine,
  type ShapeTable,
} from '#models';
import type { Store } from '#tsdb';
import type { PointsWriter, WriteOutcome } from './points-writer.js';
import type { LineBooks } from './write-books.js';

/** A body of line protocol. */
export interface LineWriteRequest {
  readonly database: string;
  /** '' = the database's default. */
  readonly retentionPolicy: string;
  readonly precision: Precision;
  /** Holds BODY_PADDING spare bytes behind `length`; not to be changed before the write has ended. */
  readonly body: Uint8Array;
  readonly length: number;
  /** Whether {@link LineWriteOutcome.verdicts} are wanted. */
  readonly areVerdictsWanted?: boolean;
  /** Who sent it. */
  readonly source?: PointSource;
  /** Told what becomes of its lines. */
  readonly books?: LineBooks;
}

/** What became of a body: lines refused by the parser, and points by storage. */
export interface LineWriteOutcome extends WriteOutcome {
  /** The first of the refused lines; texts are kept for REJECTED_LINES_KEPT of them. */
  readonly rejected: readonly RejectedLine[];
  readonly rejectedCount: number;
  /**
   * Where asked for: every line that was not stored (the first REJECTED_LINES_KEPT that could not be read, the first
   * REFUSALS_KEPT that storage refused), in order.
   */
  readonly verdicts: readonly RejectedLine[] | null;
}

/** What the writer stands on. */
export interface LineWriterParts {
  readonly store: Store;
  readonly writer: PointsWriter;
  readonly shapes: ShapeTable;
  readonly clock: Clock;
}

/** Emptied batches kept for the next bodies. */
const BATCHES_KEPT = 16;

/** Parses and writes bodies. Concurrent calls are fine: parsing is synchronous, waiting is not. */
export class LineWriter {
  private readonly parser: LineParser;
  private readonly spare: PointsBatch[] = [];

  constructor(private readonly parts: LineWriterParts) {
    this.parser = new LineParser(parts.shapes);
  }

  /**
   * Stores the good lines of a body; resolves when they are on disk.
   * @throws what {@link PointsWriter.write} throws; then nothing, or (several shards) a part of the body is stored
   */
  async write(request: LineWriteRequest): Promise<LineWriteOutcome> {
    const { store, writer, clock } = this.parts;
    const batch = this.spare.pop() ?? new PointsBatch();
    if (request.areVerdictsWanted === true || writer.areLinesWanted(request.database))
      batch.noteLines();
    if (request.source !== undefined) batch.markSource(request.source);
    const parsed = this.parser.parse(
      {
        body: request.body,
        length: request.length,
        known: store.index(request.database),
        precision: request.precision,
        defaultTime: () => truncated(clock.nowNs(), request.precision),
      },
      batch,
    );
    const { database, retentionPolicy } = request;
    const { rejectedCount } = parsed;
    const rejected = parsed.rejected.map((line) => this.withTimeHint(line, request));
    bookLines(request, batch.pointCount, rejected, rejectedCount);
    try {
      const outcome = await writer.write({
        database,
        retentionPolicy,
        batch,
        precision: request.precision,
        ...(request.books !== undefined && { books: request.books }),
      });
      const verdicts =
        request.areVerdictsWanted === true
          ? [...rejected, ...refusedLines(batch, request.length)]
          : null;
      verdicts?.sort((a, b) => a.lineNumber - b.lineNumber);
      return { ...outcome, rejected, rejectedCount, verdicts };
    } finally {
      // After a timeout the shards may still be at it, but they have copied what they need when write() returns.
      batch.clear();
      if (this.spare.length < BATCHES_KEPT) this.spare.push(batch);
    }
  }

  /** A line whose time is too large in its unit, with the unit that was probably meant. */
  private withTimeHint(line: RejectedLine, request: LineWriteRequest): RejectedLine {
    if (!OUTSIDE_RANGE.test(line.reason)) return line;
    const [, digits] = / (-?\d{1,19})\s*$/.exec(line.text) ?? [];
    if (digits === undefined) return line;
    const hint = this.parts.writer.timeHint(request, BigInt(digits), request.precision);
    return hint === '' ? line : { ...line, reason: line.reason + hint };
  }
}

/** Books what was read of a body, and what could not be. */
function bookLines(
  { books, source, database, retentionPolicy, precision }: LineWriteRequest,
  points: number,
  rejected: readonly RejectedLine[],
  rejectedCount: number,
): void {
  if (books === undefined) return;
  books.receive(points + rejectedCount);
  for (const { text, reason } of rejected) {
    books.reject({
      reason: 'bad line',
      text: reason,
      peer: source?.peer ?? '',
      raw: Buffer.from(text),
      target: { database, retentionPolicy, precision },
    });
  }
  if (rejectedCount > rejected.length) books.refuse(rejectedCount - rejected.length, 'bad line');
}

/** The parser's text for a time that does not fit int64 nanoseconds. */
const OUTSIDE_RANGE = /^time outside range/;

/** The lines of the points that storage refused; each once, though several of its rows may have been. */
function refusedLines(batch: PointsBatch, length: number): RejectedLine[] {
  const { body, lineStarts } = batch;
  if (lineStarts === null) return [];
  const reasons = new Map<number, string>();
  for (const { pointNumber, reason } of batch.refusals) {
    if (!reasons.has(lineStarts[pointNumber])) reasons.set(lineStarts[pointNumber], reason);
  }
  const starts = [...reasons.keys()].sort((a, b) => a - b);
  let lineNumber = 1;
  let at = 0;
  return starts.map((start) => {
    for (; at < start; at++) if (body[at] === 10) lineNumber++;
    const text = decoder.decode(body.subarray(start, findLineEnd(body, start, length)));
    return { lineNumber, text, reason: reasons.get(start) ?? '' };
  });
}

const decoder = new TextDecoder();

/** A time without what is finer than the precision. */
function truncated(timeNs: bigint, precision: Precision): bigint {
  const unitNs = BigInt(precisionNs(precision));
  return timeNs - (timeNs % unitNs);
}

/**
 * InfluxDB's error text for a body that was not stored in full, or null where it was. `status` is always 400.
 * Where lines were refused and points dropped, both are named (InfluxDB names the points alone).
 */
export function lineWriteErrorText(outcome: LineWriteOutcome): string | null {
  const { rejected, rejectedCount, dropped, reason, points } = outcome;
  if (rejectedCount === 0 && dropped === 0) return null;
  const lines = rejected.map((line) => `unable to parse '${line.text}': ${line.reason}`);
  if (rejectedCount > rejected.length) {
    lines.push(`and ${rejectedCount - rejected.length} more lines that cannot be parsed`);
  }
  if (points === 0 && dropped === 0) return lines.join('\n');
  if (dropped > 0) lines.push(reason);
  return `partial write: ${lines.join('\n')} dropped=${dropped}`;
}
