/**
 * From the events of a query to the documents of an answer. Decides what InfluxDB 1.x decides: where chunks end, what is
 * marked partial, and that an error replaces what its statement had given so far.
 */
import { type ResultSeries, turns } from '#query';
import type { QueryEvent, QueryMessage } from './ports.js';
import type { ResultEncoder } from './result-encoder.js';

/** Where the bytes of an answer go. */
export interface ByteOutput {
  /** Resolves when more may be written; bytes are the output's from now on. Plain text is not laid out. */
  write(bytes: Uint8Array, isPlainText?: boolean): Promise<void> | void;
}

/** Rows of one series after which an answer that is not chunked marks it partial. Same as InfluxDB 1.x. */
const UNCHUNKED_PARTIAL_ROWS = 10_000;
/** Bytes of an unfinished statement from which on they are sent: an error can then no longer replace them. */
const HELD_BYTES_MAX = 1024 * 1024;
/** Bytes sent together after that. */
const SENT_BYTES = 128 * 1024;
/** Rows encoded before anybody looks at the clock. */
const ROWS_PER_LOOK = 1000;
/** Encoding goes on for so long before the event loop gets a turn. */
const TURN_MS = 8;

type EndEvent = Extract<QueryEvent, { kind: 'end' }>;
type SeriesEvent = Extract<QueryEvent, { kind: 'series' }>;

const noMessages: readonly QueryMessage[] = [];

/**
 * Writes an answer of one document.
 * @param rowsMax rows it may have, 0 for no limit; past it the answer ends
 */
export async function writeDocument(
  events: AsyncIterable<QueryEvent>,
  encoder: ResultEncoder,
  output: ByteOutput,
  rowsMax: number,
): Promise<void> {
  const writer = new DocumentWriter(encoder, output, rowsMax);
  encoder.beginDocument();
  for await (const event of events) {
    if (event.kind === 'end') writer.end(event);
    else if (!(await writer.series(event))) break;
  }
  writer.finish();
  encoder.endDocument();
  await output.write(encoder.take(), encoder.isPlainText);
}

class DocumentWriter {
  private statementId = -1;
  private ended: EndEvent | null = null;
  private current: ResultSeries | null = null;
  private currentRows = 0;
  private isCut = false;
  private totalRows = 0;
  private turnStartMs = performance.now();
  private heldBytesMax = HELD_BYTES_MAX;

  constructor(
    private readonly encoder: ResultEncoder,
    private readonly output: ByteOutput,
    private readonly rowsMax: number,
  ) {}

  /** False once the limit of rows is reached. */
  async series({ statementId, series }: SeriesEvent): Promise<boolean> {
    const { encoder } = this;
    this.open(statementId);
    if (this.current === null || !this.current.partial || !isSameSeries(this.current, series)) {
      this.closeSeries();
      encoder.beginSeries(series);
      this.currentRows = 0;
    }
    this.current = series;
    const room = this.rowsMax > 0 ? this.rowsMax - this.totalRows : series.rowCount;
    const rows = Math.min(series.rowCount, room);
    for (let from = 0; from < rows; from += ROWS_PER_LOOK) {
      const to = Math.min(rows, from + ROWS_PER_LOOK);
      encoder.rows(series, from, to);
      if (encoder.sink.length > this.heldBytesMax) {
        this.heldBytesMax = SENT_BYTES;
        await this.output.write(encoder.take());
      }
      if (to - from === ROWS_PER_LOOK && performance.now() - this.turnStartMs > TURN_MS) {
        await turns.next();
        this.turnStartMs = performance.now();
      }
    }
    this.currentRows += rows;
    this.totalRows += rows;
    this.isCut = rows < series.rowCount;
    return this.rowsMax === 0 || this.totalRows < this.rowsMax;
  }

  end(event: EndEvent): void {
    this.open(event.statementId);
    if (event.error !== null && this.encoder.restartResult()) this.current = null;
    this.closeSeries();
    this.ended = event;
  }

  finish(): void {
    this.closeSeries();
    if (this.statementId < 0) return;
    this.encoder.endResult({
      error: this.ended?.error ?? null,
      messages: this.ended?.messages ?? noMessages,
      isPartial: false,
    });
  }

  /** A result is closed only when another statement begins: a second end of the same statement replaces the first. */
  private open(statementId: number): void {
    if (statementId === this.statementId) return;
    this.finish();
    this.statementId = statementId;
    this.heldBytesMax = HELD_BYTES_MAX;
    this.ended = null;
    this.encoder.beginResult(statementId);
  }

  private closeSeries(): void {
    if (this.current === null) return;
    this.encoder.endSeries(this.isCut || this.currentRows > UNCHUNKED_PARTIAL_ROWS);
    this.current = null;
    this.isCut = false;
  }
}

/**
 * Writes an answer in chunks: a document for every `chunkRows` rows of a series, each a line of its own.
 * @param chunkRows rows in a document, at least 1
 */
export async function writeChunks(
  events: AsyncIterable<QueryEvent>,
  encoder: ResultEncoder,
  output: ByteOutput,
  chunkRows: number,
): Promise<void> {
  const writer = new ChunkWriter(encoder, output, chunkRows);
  for await (const event of events) {
    if (event.kind === 'end') await writer.end(event);
    else await writer.series(event);
  }
}

class ChunkWriter {
  private isOpen = false;
  private hadDocument = false;
  private statementId = -1;
  private current: SeriesEvent | null = null;
  private rowsInDocument = 0;

  constructor(
    private readonly encoder: ResultEncoder,
    private readonly output: ByteOutput,
    private readonly chunkRows: number,
  ) {}

  async series(event: SeriesEvent): Promise<void> {
    const { encoder } = this;
    const { series, grain, statementId } = event;
    if (statementId !== this.statementId) {
      this.statementId = statementId;
      this.hadDocument = false;
    }
    if (grain === 'statement') {
      this.open(series, statementId);
      encoder.rows(series, 0, series.rowCount);
      this.current = event;
      return;
    }
    const continues =
      this.current?.series.partial === true && isSameSeries(this.current.series, series);
    if (this.isOpen && !continues)
      await this.close({ isSeriesPartial: false, isPartial: grain === 'rows' });
    this.current = event;
    let from = 0;
    do {
      if (this.isOpen && this.rowsInDocument >= this.rowsMaxOf(event)) {
        await this.close({ isSeriesPartial: true, isPartial: true });
      }
      if (!this.isOpen) this.open(series, statementId);
      const to = Math.min(series.rowCount, from + this.rowsMaxOf(event) - this.rowsInDocument);
      encoder.rows(series, from, to);
      this.rowsInDocument += to - from;
      from = to;
    } while (from < series.rowCount);
  }

  async end(event: EndEvent): Promise<void> {
    const { encoder } = this;
    if (this.isOpen && event.error !== null)
      await this.close({ isSeriesPartial: false, isPartial: true });
    const isSilent =
      this.hadDocument && event.statementId === this.statementId && event.error === null;
    if (!this.isOpen && !(isSilent && event.messages.length === 0)) {
      encoder.beginDocument();
      encoder.beginResult(event.statementId);
      this.isOpen = true;
      this.current = null;
    }
    if (this.isOpen) {
      if (this.current !== null) encoder.endSeries(false);
      await this.finish(event.error, event.messages, false);
    }
    this.current = null;
  }

  private rowsMaxOf(event: SeriesEvent): number {
    return event.grain === 'rows' ? this.chunkRows : Number.POSITIVE_INFINITY;
  }

  private open(series: ResultSeries, statementId: number): void {
    const { encoder } = this;
    if (this.isOpen) encoder.endSeries(false);
    else {
      encoder.beginDocument();
      encoder.beginResult(statementId);
    }
    encoder.beginSeries(series);
    this.isOpen = true;
    this.rowsInDocument = 0;
  }

  private async close(marks: {
    readonly isSeriesPartial: boolean;
    readonly isPartial: boolean;
  }): Promise<void> {
    this.encoder.endSeries(marks.isSeriesPartial);
    await this.finish(null, noMessages, marks.isPartial);
  }

  private async finish(
    error: string | null,
    messages: readonly QueryMessage[],
    isPartial: boolean,
  ): Promise<void> {
    const { encoder } = this;
    encoder.endResult({ error, messages, isPartial });
    encoder.endDocument();
    this.isOpen = false;
    this.hadDocument = true;
    await this.output.write(encoder.take(), encoder.isPlainText);
  }
}

function isSameSeries(a: ResultSeries, b: ResultSeries): boolean {
  if (a.name !== b.name) return false;
  const tagsA = a.tags ?? [];
  const tagsB = b.tags ?? [];
  return (
    tagsA.length === tagsB.length &&
    tagsA.every((tag, i) => tag.key === tagsB[i].key && tag.value === tagsB[i].value)
  );
}
