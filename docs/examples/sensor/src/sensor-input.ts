/** A TCP listener whose lines become points: the lifecycle. What a line means is the decoder's business. */
import {
  Batcher,
  type ConnectionHandler,
  type Input,
  type InputContext,
  type InputStatistics,
  IngestLedger,
  LineAssembler,
  LineScratch,
  type TcpConnection,
  TcpListener,
} from 'tidegate/inputs';
import type { SensorConfig } from './index.js';
import { SensorDecoder } from './sensor-decoder.js';

const LINE_BYTES_MAX = 1024;
const NEWLINE = Uint8Array.of(10);

export class SensorInput implements Input {
  readonly kind = 'sensor';
  readonly ledger: IngestLedger;
  private readonly batcher: Batcher;
  private readonly decoder: SensorDecoder;
  private readonly listener: TcpListener;
  /** One buffer for the lines of all connections. */
  private readonly scratch = new LineScratch();

  constructor(
    private readonly config: SensorConfig,
    context: InputContext,
  ) {
    const { bindAddress } = config;
    const { clock, sink, shapes, rejects } = context;
    const logger = context.logger.with({ service: 'sensor', addr: bindAddress });
    // The books: every piece of input is received, and then stored, rejected or dropped.
    this.ledger = new IngestLedger(`sensor ${bindAddress}`, clock, (each) => rejects.reject(each));
    const { ledger } = this;
    // Collects points and writes them. While it is busy, senders wait.
    this.batcher = new Batcher(config, {
      sink,
      shapes,
      ledger,
      logger,
      onRelief: () => this.listener.resume(),
    });
    this.decoder = new SensorDecoder(this.batcher, ledger, clock);
    this.listener = new TcpListener({
      bindAddress,
      logger,
      accept: (connection) => this.accept(connection),
    });
  }

  open(): Promise<void> {
    return this.listener.open();
  }

  async close(): Promise<void> {
    // Senders that were held back are read on, so that nothing they have sent is lost.
    this.listener.resume();
    await this.listener.close();
    await this.batcher.close();
  }

  addresses(): readonly string[] {
    const { address } = this.listener;
    return address === null ? [] : [address];
  }

  statistics(): readonly InputStatistics[] {
    const { pointsRx, bytesRx, pointsParseFail } = this.decoder;
    const values = { pointsRx, bytesRx, pointsParseFail, ...this.batcher.statistics };
    return [{ name: 'sensor', tags: { bind: this.config.bindAddress }, values }];
  }

  /** A line that was rejected before, once more. */
  replay(raw: Uint8Array, peer: string): void {
    this.decoder.decode(this.scratch, this.scratch.fill(raw, NEWLINE), peer);
  }

  private accept({ peer }: TcpConnection): ConnectionHandler {
    const { decoder, batcher, listener } = this;
    const lines = new LineAssembler(
      this.scratch,
      LINE_BYTES_MAX,
      (scratch, length) => decoder.decode(scratch, length, peer),
      (beginning) => decoder.reject(beginning, peer, 'line too long'),
    );
    return {
      data: (chunk) => {
        lines.push(chunk);
        if (batcher.isBusy) listener.pause();
      },
      end: () => lines.end(),
    };
  }
}
