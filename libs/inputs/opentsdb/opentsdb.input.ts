/** An OpenTSDB listener: telnet and HTTP on one port, told apart by the first line of a connection. */
import type { SecureContextOptions } from 'node:tls';
import { Batcher } from '../shared/batcher.js';
import { type IngestLedger, ledgerOf } from '../shared/ingest-ledger.js';
import {
  defineInput,
  type Input,
  type InputContext,
  type InputStatistics,
} from '../shared/input.js';
import { LimitedLog } from '../shared/limited-log.js';
import {
  BEGINNING_ONLY,
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
import { withDefaults } from '../shared/with-defaults.js';
import { type HttpCounters, OpentsdbHttp } from './opentsdb-http.js';
import { type OpentsdbConfig, opentsdbSection } from './opentsdb.config.js';
import { spokenProtocol } from './protocol-sniffer.js';
import {
  lineTooLong,
  type TelnetCounters,
  TelnetDecoder,
  type TelnetDecoderParts,
  type TelnetSender,
} from './telnet-decoder.js';

/** What `version` answers. Same as InfluxDB 1.x, without an end of line. */
const VERSION = 'InfluxDB TSDB proxy';
const COMMANDS = ['exit', 'help', 'put', 'stats', 'version'];
/** Bytes of complaints that may wait for a sender to read them; beyond it they are left out. */
const COMPLAINTS_BYTES_MAX = 16 * 1024;
const NO_BYTES = new Uint8Array(0);
const OPENING_BRACE = 123;
const OPENING_BRACKET = 91;

/** One `[[opentsdb]]`. */
class OpentsdbInput implements Input {
  readonly kind = 'opentsdb';
  readonly ledger: IngestLedger;
  private readonly counters: TelnetCounters & HttpCounters = {
    tlPointsRx: 0,
    tlBytesRx: 0,
    tlBadLine: 0,
    tlBadTime: 0,
    tlBadTag: 0,
    tlBadFloat: 0,
    droppedPointsInvalid: 0,
    httpPointsRx: 0,
    httpBytesRx: 0,
    httpPutFail: 0,
  };
  private readonly spoken = { httpConnsHandled: 0, tlConnsActive: 0, tlConnsHandled: 0 };
  private readonly batcher: Batcher;
  private readonly decoder: TelnetDecoder;
  private readonly http: OpentsdbHttp;
  private readonly scratch = new LineScratch();
  private listener: TcpListener | null = null;
  /** Counters of listeners that are closed. */
  private connsHandled = 0;
  private connsRefused = 0;
  private isHeld = false;

  constructor(
    private readonly config: OpentsdbConfig,
    private readonly context: InputContext,
  ) {
    const { bindAddress, arePointErrorsLogged, lineBytesMax } = config;
    const { clock, sink, shapes, rejects } = context;
    const logger = context.logger.with({ service: 'opentsdb', addr: bindAddress });
    const ledger = ledgerOf(`opentsdb ${bindAddress}`, clock, rejects);
    this.ledger = ledger;
    this.batcher = new Batcher(config, {
      sink,
      shapes,
      ledger,
      logger,
      onRelief: () => this.hold(false),
    });
    const log = new LimitedLog(logger, clock);
    this.decoder = new TelnetDecoder({
      batcher: this.batcher,
      ledger,
      counters: this.counters,
      lineBytesMax,
      command: (words, sender) => this.command(words, sender),
      onReject: (phrase, kind, text, peer) => {
        if (arePointErrorsLogged) log.info(phrase, { [kind]: text, remote_addr: peer });
      },
    });
    this.http = new OpentsdbHttp({
      ...config,
      sink,
      shapes,
      ledger,
      clock,
      logger,
      counters: this.counters,
      statistics: () => this.metrics(),
      settings: {
        'tsd.network.port': bindAddress.slice(bindAddress.lastIndexOf(':') + 1),
        'tsd.core.auto_create_metrics': 'true',
        'tsd.http.request.enable_chunked': 'true',
        'tsd.http.request.max_chunk': String(config.bodyBytesMax),
      },
    });
  }

  async open(): Promise<void> {
    if (this.listener !== null) return;
    const { config, context } = this;
    const { bindAddress, connectionsMax, idleTimeoutMs, certificatePath, privateKeyPath } = config;
    const tls: SecureContextOptions | undefined = config.isTlsEnabled
      ? context.tlsOptions(certificatePath, privateKeyPath)
      : undefined;
    const listener = new TcpListener({
      bindAddress,
      connectionsMax,
      idleTimeoutMs,
      tls,
      logger: context.logger.with({ service: 'opentsdb' }),
      accept: (connection) => this.accept(connection),
    });
    await listener.open();
    this.listener = listener;
    this.http.open();
    context.logger.info('Listening', {
      service: 'opentsdb',
      addr: listener.address,
      tls: config.isTlsEnabled,
    });
  }

  async close(): Promise<void> {
    const { listener } = this;
    if (listener === null) {
      await this.http.close();
      return this.batcher.close();
    }
    // Held back senders are read on: what they have sent is not lost.
    this.hold(false);
    await this.http.close();
    await listener.close();
    this.listener = null;
    this.connsHandled += listener.connectionsHandled;
    this.connsRefused += listener.connectionsRefused;
    await this.batcher.close();
  }

  addresses(): readonly string[] {
    return [this.listener?.address ?? []].flat();
  }

  connections(): readonly ConnectionInfo[] {
    return this.listener?.connections() ?? [];
  }

  reloadCertificates(): void {
    const { certificatePath, privateKeyPath, isTlsEnabled } = this.config;
    if (!isTlsEnabled) return;
    this.listener?.setSecureContext(this.context.tlsOptions(certificatePath, privateKeyPath));
  }

  statistics(): readonly InputStatistics[] {
    const { counters, spoken, batcher, listener } = this;
    return [
      {
        name: 'opentsdb',
        tags: { bind: this.config.bindAddress },
        values: {
          ...spoken,
          ...counters,
          // Errors of reading end a connection and are no more than that here.
          tlReadErr: 0,
          ...batcher.statistics,
          connsActive: listener?.connectionsActive ?? 0,
          connsHandled: this.connsHandled + (listener?.connectionsHandled ?? 0),
          connsRefused: this.connsRefused + (listener?.connectionsRefused ?? 0),
        },
      },
    ];
  }

  /** Takes a connection whose protocol is not known yet. */
  private accept(connection: TcpConnection): ConnectionHandler {
    let beginning: Uint8Array = NO_BYTES;
    let telnet: ConnectionHandler | null = null;
    let isHttp = false;
    return {
      data: (chunk) => {
        if (telnet !== null) return telnet.data(chunk);
        beginning = beginning.length === 0 ? chunk : Buffer.concat([beginning, chunk]);
        const protocol = spokenProtocol(beginning);
        if (protocol === 'unknown') {
          // The chunk is lent.
          beginning = Uint8Array.from(beginning);
        } else if (protocol === 'http') {
          isHttp = true;
          this.spoken.httpConnsHandled++;
          this.http.serve(connection.detach(Buffer.from(beginning)));
          beginning = NO_BYTES;
        } else {
          telnet = this.acceptTelnet(connection);
          telnet.data(beginning);
          beginning = NO_BYTES;
        }
      },
      end: () => {
        if (isHttp) return;
        // A first line that was not ended.
        if (telnet === null && beginning.length > 0) {
          telnet = this.acceptTelnet(connection);
          telnet.data(beginning);
        }
        telnet?.end();
      },
    };
  }

  private acceptTelnet(connection: TcpConnection): ConnectionHandler {
    const { decoder, batcher, config, spoken, counters } = this;
    const { lineBytesMax, areErrorsAnswered } = config;
    spoken.tlConnsHandled++;
    spoken.tlConnsActive++;
    // What a chunk brings about is sent at once.
    let answers = '';
    const flush = (): void => {
      if (answers !== '') connection.write(answers);
      answers = '';
    };
    const sender: TelnetSender = {
      peer: connection.peer,
      answer: (text) => (answers += text),
      complain: (text) => {
        // Many senders never read.
        const isRead = connection.backlogBytes + answers.length < COMPLAINTS_BYTES_MAX;
        if (areErrorsAnswered && isRead) answers += text;
      },
      close: () => {
        flush();
        connection.close();
      },
    };
    const lines = new LineAssembler(
      this.scratch,
      lineBytesMax,
      (scratch, length) => decoder.decode(scratch, length, sender),
      (raw) => {
        counters.tlPointsRx++;
        decoder.reject(raw, lineTooLong(lineBytesMax), sender, BEGINNING_ONLY);
      },
    );
    return {
      data: (chunk) => {
        batcher.from(connection.peer);
        lines.push(chunk);
        flush();
        if (batcher.isBusy) this.hold(true);
      },
      end: () => {
        lines.end();
        flush();
        spoken.tlConnsActive--;
      },
    };
  }

  /** Answers what is no `put`. */
  private command: TelnetDecoderParts['command'] = (words, sender) => {
    if (words.length !== 1) return false;
    switch (words[0]) {
      case 'version':
        sender.answer(VERSION);
        return true;
      case 'help':
        sender.answer(`available commands: ${COMMANDS.join(' ')}\n`);
        return true;
      case 'stats': {
        const seconds = this.context.clock.nowNs() / 1_000_000_000n;
        const { database } = this.config;
        const lines = this.metrics().map(
          ([metric, value]) => `${metric} ${seconds} ${value} database=${database}\n`,
        );
        sender.answer(lines.join(''));
        return true;
      }
      case 'exit':
        sender.close();
        return true;
      default:
        return false;
    }
  };

  /** Takes telnet lines, and JSON. */
  replay(raw: Uint8Array, peer: string): void {
    const { decoder, scratch } = this;
    if (raw[0] === OPENING_BRACE || raw[0] === OPENING_BRACKET) return this.http.replay(raw, peer);
    const nobody = (): void => undefined;
    const silent = { peer, answer: nobody, complain: nobody, close: nobody };
    this.batcher.from(peer);
    decoder.decode(scratch, scratch.fill(raw, ONE_NEWLINE), silent);
  }

  /** Counters under names like those of OpenTSDB's own. */
  private metrics(): readonly (readonly [string, number])[] {
    const entries = this.statistics().flatMap(({ values }) => Object.entries(values));
    return entries.map(([name, value]) => [`tsd.${name}`, value]);
  }

  /** Holds telnet senders back, or reads on. */
  private hold(isHeld: boolean): void {
    if (isHeld === this.isHeld) return;
    this.isHeld = isHeld;
    if (isHeld) this.listener?.pause();
    else this.listener?.resume();
  }
}

/** Keys in which nothing means the default. Same as InfluxDB 1.x. */
const WITH_DEFAULTS = [
  'bindAddress',
  'database',
  'certificatePath',
  'batchSize',
  'batchPending',
  'batchTimeoutMs',
] as const;

/** The input as Tidegate registers it. */
export const opentsdbInput = defineInput({
  section: opentsdbSection,
  create: (config, context) =>
    new OpentsdbInput(withDefaults(opentsdbSection, config, WITH_DEFAULTS), context),
});
