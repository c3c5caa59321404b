/**
 * Line protocol in datagrams. Every datagram is read on its own, so that a bad line or an open quote costs nothing beyond it, and
 * straight into the batch being filled: many small datagrams make one write. @see InfluxDB services/udp
 */
import type { RemoteInfo } from 'node:dgram';
import {
  BODY_PADDING,
  type KnownSeries,
  LineParser,
  PointsBatch,
  type Precision,
  precisionNs,
  precisionOf,
} from '#models';
import { ArrivalClock } from '../shared/arrival-clock.js';
import { BATCH_SIZE_DEFAULT, BATCH_TIMEOUT_DEFAULT_MS } from '../shared/batcher.js';
import { BatchWriter } from '../shared/batch-writer.js';
import { InputError } from '../shared/errors.js';
import { type IngestLedger, ledgerOf } from '../shared/ingest-ledger.js';
import {
  defineInput,
  type Input,
  type InputContext,
  type InputStatistics,
} from '../shared/input.js';
import { countLines } from '../shared/line-assembler.js';
import { PeerSources } from '../shared/peer-sources.js';
import { UdpListener } from '../shared/udp-listener.js';
import { withDefaults } from '../shared/with-defaults.js';
import { type UdpConfig, udpSection } from './udp.config.js';

/** Bytes of datagrams that one batch refers to, at first and at most. */
const BODY_BYTES = 128 * 1024;
const BODY_BYTES_MAX = 4 * 1024 * 1024;
/** Bodies kept for the next batches. */
const BODIES_KEPT = 4;

/** What a database that does not exist knows. */
const NO_SERIES: KnownSeries = {
  find: () => -1,
  addAlias: () => undefined,
  shapeHints: new Int32Array(0),
};

/** One `[[udp]]`. */
export class UdpInput implements Input {
  readonly kind = 'udp';
  readonly ledger: IngestLedger;
  private readonly listener: UdpListener;
  private readonly writer: BatchWriter;
  private readonly parser: LineParser;
  private readonly precision: Precision;
  private readonly arrivals: ArrivalClock;
  private readonly batchSize: number;
  private readonly peers: PeerSources;
  private readonly spareBodies: Uint8Array[] = [];
  private readonly spareBatches: PointsBatch[] = [];
  private batch = new PointsBatch();
  private body: Uint8Array = new Uint8Array(BODY_BYTES);
  private bodyLength = 0;
  /** The series that the batch being filled refers to. */
  private known: KnownSeries | null = null;
  private timer: NodeJS.Timeout | null = null;
  private pointsRx = 0;
  private bytesRx = 0;
  private pointsParseFail = 0;

  constructor(
    private readonly config: UdpConfig,
    private readonly context: InputContext,
  ) {
    const { bindAddress, database, retentionPolicy, batchPending, writersMax } = config;
    const { clock, sink, rejects } = context;
    const logger = context.logger.with({ service: 'udp' });
    this.ledger = ledgerOf(`udp ${bindAddress}`, clock, rejects);
    const { ledger } = this;
    this.peers = new PeerSources(ledger.listener);
    this.writer = new BatchWriter(
      { database, retentionPolicy, batchPending, writersMax },
      { sink, ledger, logger },
    );
    this.parser = new LineParser(context.shapes);
    this.arrivals = new ArrivalClock(clock);
    this.precision = precisionOf(config.precision);
    this.batchSize = config.batchSize || BATCH_SIZE_DEFAULT;
    this.listener = new UdpListener({
      bindAddress,
      readBufferBytes: config.readBufferBytes,
      logger,
      ledger,
      receive: (bytes, peer) => this.receive(bytes, peer),
    });
  }

  async open(): Promise<void> {
    if (this.config.bindAddress === '')
      throw new InputError('inputs.bad-address', 'bind address has to be specified in config');
    await this.listener.open();
    this.context.logger.info('Started listening on UDP', {
      service: 'udp',
      addr: this.listener.address,
    });
  }

  async close(): Promise<void> {
    await this.listener.close();
    this.flush();
    await this.writer.drain();
  }

  addresses(): readonly string[] {
    const { address } = this.listener;
    return address === null ? [] : [address];
  }

  statistics(): readonly InputStatistics[] {
    const { pointsRx, bytesRx, pointsParseFail, listener } = this;
    listener.poll();
    const { readFail, kernelDrops } = listener;
    const counters = { pointsRx, bytesRx, pointsParseFail, readFail, ...this.writer.statistics };
    const tags = { bind: this.config.bindAddress };
    return [{ name: 'udp', tags, values: { ...counters, kernelDrops } }];
  }

  replay(raw: Uint8Array, peer: string): void {
    const at = peer.lastIndexOf(':');
    this.receive(raw, { address: peer.slice(0, at), port: Number(peer.slice(at + 1)) });
  }

  private receive(bytes: Uint8Array, peer: Pick<RemoteInfo, 'address' | 'port'>): void {
    this.bytesRx += bytes.length;
    const { ledger } = this;
    if (this.writer.isBusy) {
      const lines = countLines(bytes);
      ledger.receive(lines);
      ledger.drop(lines, 'batches pending');
      return;
    }
    const known = this.context.sink.series(this.config.database);
    if (known !== this.known || this.bodyLength + bytes.length + 1 > BODY_BYTES_MAX) {
      this.flush();
      this.known = known;
    }
    const start = this.bodyLength;
    const length = start + bytes.length;
    if (length + BODY_PADDING > this.body.length) {
      const wider = new Uint8Array(Math.max(length + BODY_PADDING, 2 * this.body.length));
      wider.set(this.body.subarray(0, start));
      this.body = wider;
    }
    const { body, batch, precision } = this;
    body.set(bytes, start);
    this.bodyLength = length + 1;
    const before = batch.pointCount;
    if (before === 0 && this.context.sink.areLinesWanted?.(this.config.database) === true)
      batch.noteLines();
    batch.markSource(this.peers.of(peer.address));
    const { rejected, rejectedCount } = this.parser.parse(
      {
        body,
        start,
        length,
        known: known ?? NO_SERIES,
        precision,
        defaultTime: () => this.nowNs(),
      },
      batch,
    );
    batch.seriesSource = known;
    const points = batch.pointCount - before;
    this.pointsRx += points;
    ledger.receive(points + rejectedCount);
    if (rejectedCount > 0) {
      // One a datagram, as InfluxDB counts; the ledger counts lines.
      this.pointsParseFail++;
      const from = `${peer.address}:${peer.port}`;
      for (const { text, reason } of rejected) {
        const raw = Buffer.from(text);
        ledger.reject({ reason: 'bad line', text: reason, peer: from, raw });
      }
      if (rejectedCount > rejected.length)
        ledger.refuse(rejectedCount - rejected.length, 'bad line');
    }
    if (batch.pointCount >= this.batchSize) this.flush();
    else if (batch.pointCount > 0) {
      const waitMs = this.config.batchTimeoutMs || BATCH_TIMEOUT_DEFAULT_MS;
      this.timer ??= setTimeout(() => this.flush(), waitMs);
    }
  }

  private flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const { batch, body } = this;
    this.bodyLength = 0;
    if (batch.pointCount === 0) return;
    this.batch = this.spareBatches.pop() ?? new PointsBatch();
    this.body = this.spareBodies.pop() ?? new Uint8Array(BODY_BYTES);
    this.writer.push(batch, () => {
      batch.clear();
      if (this.spareBatches.length < BODIES_KEPT) {
        this.spareBatches.push(batch);
        this.spareBodies.push(body);
      }
    });
  }

  private nowNs(): bigint {
    const nowNs = this.arrivals.nextNs();
    return nowNs - (nowNs % BigInt(precisionNs(this.precision)));
  }
}

/** Keys in which nothing means the default. Same as InfluxDB 1.x. */
const WITH_DEFAULTS = ['database', 'batchSize', 'batchPending', 'batchTimeoutMs'] as const;

/** The input as Tidegate registers it. */
export const udpInput = defineInput({
  section: udpSection,
  create: (config, context) =>
    new UdpInput(withDefaults(udpSection, config, WITH_DEFAULTS), context),
});
