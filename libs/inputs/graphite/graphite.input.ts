/** A Graphite listener: the plaintext protocol over TCP or UDP, and the pickle protocol on a port of its own. */
import { ArrivalClock } from '../shared/arrival-clock.js';
import { Batcher } from '../shared/batcher.js';
import { InputError } from '../shared/errors.js';
import { FORM, type IngestLedger, ledgerOf, UNREPLAYABLE } from '../shared/ingest-ledger.js';
import {
  defineInput,
  type Input,
  type InputContext,
  type InputStatistics,
} from '../shared/input.js';
import { LimitedLog } from '../shared/limited-log.js';
import {
  BEGINNING_ONLY,
  countLines,
  LineAssembler,
  LineScratch,
  ONE_NEWLINE,
} from '../shared/line-assembler.js';
import {
  type ConnectionHandler,
  type ConnectionInfo,
  type TcpConnection,
  TcpListener,
} from '../shared/tcp-listener.js';
import { UdpListener } from '../shared/udp-listener.js';
import { withDefaults } from '../shared/with-defaults.js';
import { type GraphiteConfig, graphiteSection } from './graphite.config.js';
import { type GraphiteCounters, GraphiteDecoder, lineTooLong } from './graphite-decoder.js';
import { PathNamer } from './path-namer.js';
import { pickleFrame, PickleReader } from './pickle-reader.js';

/** What is rejected of pickles: messages without their length. */
const PICKLE_FORM = 'pickle';

/** One `[[graphite]]`. */
class GraphiteInput implements Input {
  readonly kind = 'graphite';
  readonly ledger: IngestLedger;
  private readonly counters: GraphiteCounters = {
    pointsRx: 0,
    bytesRx: 0,
    pointsParseFail: 0,
    pointsNaNFail: 0,
  };
  private readonly batcher: Batcher;
  private readonly decoder: GraphiteDecoder;
  private readonly scratch = new LineScratch();
  private readonly tcp: TcpListener | null;
  private readonly udp: UdpListener | null;
  private readonly pickle: TcpListener | null;
  private isHeld = false;

  constructor(
    private readonly config: GraphiteConfig,
    private readonly context: InputContext,
  ) {
    const { bindAddress, lineBytesMax, connectionsMax, idleTimeoutMs } = config;
    const { clock, sink, shapes, rejects } = context;
    const logger = context.logger.with({ service: 'graphite', addr: bindAddress });
    const ledger = ledgerOf(`graphite ${bindAddress}`, clock, rejects);
    this.ledger = ledger;
    this.batcher = new Batcher(
      { ...config, isRetentionPolicyCreated: true },
      { sink, shapes, ledger, logger, onRelief: () => this.hold(false) },
    );
    const log = new LimitedLog(logger, clock);
    this.decoder = new GraphiteDecoder({
      namer: new PathNamer(config),
      batcher: this.batcher,
      ledger,
      arrivals: new ArrivalClock(clock),
      counters: this.counters,
      lineBytesMax,
      onReject: (raw, error) =>
        log.info('Unable to parse line', () => ({ line: shownLine(raw), error })),
    });
    const common = { connectionsMax, idleTimeoutMs, logger };
    const protocol = config.protocol.toLowerCase();
    if (protocol !== 'tcp' && protocol !== 'udp') {
      throw new InputError(
        'inputs.graphite-protocol',
        `unrecognized Graphite input protocol ${config.protocol}`,
      );
    }
    this.tcp =
      protocol === 'tcp'
        ? new TcpListener({ ...common, bindAddress, accept: (peer) => this.acceptLines(peer) })
        : null;
    this.udp =
      protocol === 'udp'
        ? new UdpListener({
            bindAddress,
            readBufferBytes: config.udpReadBufferBytes,
            logger,
            ledger,
            receive: (bytes, peer) => this.receive(bytes, `${peer.address}:${peer.port}`),
          })
        : null;
    this.pickle =
      config.pickleBindAddress === ''
        ? null
        : new TcpListener({
            ...common,
            bindAddress: config.pickleBindAddress,
            accept: (peer) => this.acceptPickle(peer),
          });
  }

  async open(): Promise<void> {
    const { config, context, tcp, udp, pickle } = this;
    try {
      for (const listener of [tcp, udp, pickle]) await listener?.open();
    } catch (error) {
      await this.close();
      throw error;
    }
    for (const addr of this.addresses()) {
      context.logger.info('Listening', { service: 'graphite', protocol: config.protocol, addr });
    }
  }

  async close(): Promise<void> {
    // Held back senders are read on: what they have sent is not lost.
    this.hold(false);
    await Promise.all([this.tcp?.close(), this.udp?.close(), this.pickle?.close()]);
    await this.batcher.close();
  }

  addresses(): readonly string[] {
    return [this.tcp, this.udp, this.pickle].flatMap((listener) => listener?.address ?? []);
  }

  connections(): readonly ConnectionInfo[] {
    return [this.tcp, this.pickle].flatMap((listener) => listener?.connections() ?? []);
  }

  replay(raw: Uint8Array, peer: string, target: Readonly<Record<string, string>> = {}): void {
    const { decoder, batcher, scratch } = this;
    batcher.from(peer);
    if (target[FORM] === PICKLE_FORM) {
      const reader = this.pickleReader(peer, () => undefined);
      reader.push(pickleFrame(raw));
      return reader.end();
    }
    decoder.decode(scratch, scratch.fill(raw, ONE_NEWLINE), peer);
    batcher.added();
  }

  statistics(): readonly InputStatistics[] {
    const { config, counters, batcher, tcp, udp, pickle } = this;
    udp?.poll();
    const sum = (count: (listener: TcpListener) => number): number =>
      [tcp, pickle].reduce((total, each) => total + (each === null ? 0 : count(each)), 0);
    return [
      {
        name: 'graphite',
        tags: { proto: config.protocol, bind: config.bindAddress },
        values: {
          ...counters,
          ...batcher.statistics,
          connsActive: sum((listener) => listener.connectionsActive),
          connsHandled: sum((listener) => listener.connectionsHandled),
          connsRefused: sum((listener) => listener.connectionsRefused),
          kernelDrops: udp?.kernelDrops ?? 0,
        },
      },
    ];
  }

  private acceptLines({ peer }: TcpConnection): ConnectionHandler {
    const { decoder } = this;
    const { lineBytesMax } = this.config;
    const lines = new LineAssembler(
      this.scratch,
      lineBytesMax,
      (scratch, length) => decoder.decode(scratch, length, peer),
      (raw) => {
        this.counters.pointsRx++;
        const refusal = { reason: 'line too long', text: lineTooLong(lineBytesMax) };
        decoder.reject(raw, peer, { ...refusal, target: BEGINNING_ONLY });
      },
    );
    return {
      data: (chunk) => {
        this.batcher.from(peer);
        lines.push(chunk);
        if (this.batcher.isBusy) this.hold(true);
      },
      end: () => lines.end(),
    };
  }

  private pickleReader(peer: string, onBroken: () => void): PickleReader {
    const { decoder, batcher, counters } = this;
    return new PickleReader(this.config.pickleBytesMax, {
      onPoint: (path, value, unixTime) => {
        counters.pointsRx++;
        if (Number.isNaN(value)) return decoder.ignoreNaN();
        const refused = decoder.addValue(path, value, unixTime);
        if (refused === null) this.ledger.receive(1);
        else {
          // As a line, which can be taken once more.
          const raw = Buffer.concat([path, Buffer.from(` ${value} ${unixTime}`)]);
          decoder.reject(raw, peer, refused);
        }
        batcher.added();
      },
      onReject: (raw, text, unreplayable) => {
        counters.pointsRx++;
        const target = {
          [FORM]: PICKLE_FORM,
          ...(unreplayable !== '' && { [UNREPLAYABLE]: unreplayable }),
        };
        decoder.reject(raw, peer, { reason: 'bad pickle', text, target });
      },
      onBroken,
    });
  }

  private acceptPickle(connection: TcpConnection): ConnectionHandler {
    const { batcher, counters } = this;
    const reader = this.pickleReader(connection.peer, () => connection.close());
    return {
      data: (chunk) => {
        counters.bytesRx += chunk.length;
        batcher.from(connection.peer);
        reader.push(chunk);
        if (batcher.isBusy) this.hold(true);
      },
      end: () => reader.end(),
    };
  }

  private receive(bytes: Uint8Array, peer: string): void {
    const { counters, ledger, batcher, scratch } = this;
    if (batcher.isBusy) {
      const lines = countLines(bytes);
      counters.bytesRx += bytes.length;
      ledger.receive(lines);
      ledger.drop(lines, 'batches pending');
      return;
    }
    batcher.from(peer);
    // A newline at the end of a datagram counts as one more line, which is empty. Same as InfluxDB 1.x.
    this.decoder.decode(scratch, scratch.fill(bytes, ONE_NEWLINE), peer);
    counters.bytesRx--;
  }

  /** Holds senders back, or reads on. */
  private hold(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    for (const listener of [this.tcp, this.pickle]) {
      if (isHeld) listener?.pause();
      else listener?.resume();
    }
  }
}

/** Bytes of a bad line that are logged. */
const SHOWN_BYTES_MAX = 1024;

const shownLine = (raw: Uint8Array): string =>
  Buffer.from(raw.buffer, raw.byteOffset, Math.min(raw.length, SHOWN_BYTES_MAX)).toString();

/** Keys in which nothing means the default. Same as InfluxDB 1.x. */
const WITH_DEFAULTS = [
  'bindAddress',
  'database',
  'protocol',
  'batchSize',
  'batchPending',
  'batchTimeoutMs',
  'separator',
] as const;

/** The input as Tidegate registers it. */
export const graphiteInput = defineInput({
  section: graphiteSection,
  create: (config, context) =>
    new GraphiteInput(withDefaults(graphiteSection, config, WITH_DEFAULTS), context),
});
