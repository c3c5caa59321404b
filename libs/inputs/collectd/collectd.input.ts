/** A collectd listener: packets of collectd's network plugin, plain, signed or encrypted. */
import type { RemoteInfo } from 'node:dgram';
import { Batcher } from '../shared/batcher.js';
import { type IngestLedger, ledgerOf } from '../shared/ingest-ledger.js';
import {
  defineInput,
  type Input,
  type InputContext,
  type InputStatistics,
} from '../shared/input.js';
import { LimitedLog } from '../shared/limited-log.js';
import { UdpListener } from '../shared/udp-listener.js';
import { withDefaults } from '../shared/with-defaults.js';
import { parseAuthFile } from './auth-file.js';
import { type CollectdConfig, collectdSection } from './collectd.config.js';
import {
  countPoints,
  PacketDecoder,
  type PacketEvents,
  type PacketRejection,
  SecurityLevel,
} from './packet-decoder.js';
import { ReloadedFiles } from './reloaded-files.js';
import { TypesDb } from './types-db.js';

/** One `[[collectd]]`. */
class CollectdInput implements Input, PacketEvents {
  readonly kind = 'collectd';
  readonly ledger: IngestLedger;
  private readonly counters = {
    pointsRx: 0,
    bytesRx: 0,
    pointsParseFail: 0,
    droppedPointsInvalid: 0,
    listsRejected: 0,
    notifications: 0,
  };
  private readonly listener: UdpListener;
  private readonly batcher: Batcher;
  private readonly decoder: PacketDecoder;
  private readonly log: LimitedLog;
  private readonly watched: readonly ReloadedFiles[];
  private readonly isJoined: boolean;
  /** The packet being read, and who sent it. */
  private packet: Uint8Array = new Uint8Array(0);
  private peer = '';
  /** Whether the packet has counted as one that cannot be read, and as an offender. */
  private isFailureCounted = false;
  private isOffender = false;
  private areFilesOpen = false;

  constructor(
    private readonly config: CollectdConfig,
    private readonly context: InputContext,
  ) {
    const { bindAddress, readBufferBytes, typesDbPath, authFilePath } = config;
    const { clock, sink, shapes, rejects, files } = context;
    const logger = context.logger.with({ service: 'collectd', addr: bindAddress });
    const ledger = ledgerOf(`collectd ${bindAddress}`, clock, rejects);
    this.ledger = ledger;
    this.batcher = new Batcher(config, { sink, shapes, ledger, logger });
    this.isJoined = config.multiValuePlugin === 'join';
    const levelMin = SecurityLevel[config.securityLevel as keyof typeof SecurityLevel];
    this.decoder = new PacketDecoder(
      { levelMin, isJoined: this.isJoined },
      this.batcher.builder,
      this,
    );
    this.log = new LimitedLog(logger, clock);
    this.listener = new UdpListener({
      bindAddress,
      readBufferBytes,
      logger,
      ledger,
      receive: (bytes, peer) => this.receive(bytes, peer),
    });
    const types = new ReloadedFiles(
      { path: typesDbPath, what: 'types.db', areNeeded: true },
      files,
      logger,
      (contents) => {
        const read = new TypesDb();
        const badLines = contents.flatMap((text) => read.add(text));
        this.decoder.setTypes(read);
        const [line = ''] = badLines;
        if (badLines.length > 0) {
          logger.warn('Unable to parse collectd types file', { lines: badLines.length, line });
        }
        logger.info('Loaded types', { path: typesDbPath, types: read.count });
      },
    );
    // Packets may be signed where they need not be: then the file is used as well.
    const areUsersNeeded = levelMin > SecurityLevel.none;
    const auth = { path: authFilePath, what: 'auth file', areNeeded: areUsersNeeded };
    const users = new ReloadedFiles(auth, files, logger, (contents) =>
      this.decoder.setUsers(new Map(contents.flatMap((text) => [...parseAuthFile(text)]))),
    );
    this.watched = [types, users];
  }

  async open(): Promise<void> {
    for (const files of this.watched) await files.open();
    this.areFilesOpen = true;
    try {
      await this.listener.open();
    } catch (error) {
      await this.close();
      throw error;
    }
    const { address } = this.listener;
    this.context.logger.info('Listening on UDP', { service: 'collectd', addr: address });
  }

  async close(): Promise<void> {
    this.areFilesOpen = false;
    for (const files of this.watched) files.close();
    await this.listener.close();
    await this.batcher.close();
  }

  addresses(): readonly string[] {
    return [this.listener.address ?? []].flat();
  }

  statistics(): readonly InputStatistics[] {
    const { counters, listener, batcher } = this;
    listener.poll();
    const { readFail, kernelDrops } = listener;
    const tags = { bind: this.config.bindAddress };
    const values = { ...counters, readFail, ...batcher.statistics, kernelDrops };
    return [{ name: 'collectd', tags, values }];
  }

  async replay(raw: Uint8Array, peer: string): Promise<void> {
    // Types and users are needed, a socket is not.
    if (!this.areFilesOpen) for (const files of this.watched) await files.open();
    this.areFilesOpen = true;
    const at = peer.lastIndexOf(':');
    this.receive(raw, { address: peer.slice(0, at), port: Number(peer.slice(at + 1)) });
  }

  onPoints(count: number): void {
    this.counters.pointsRx += count;
    this.ledger.receive(count);
  }

  onInvalid(count: number, reason: string): void {
    this.counters.droppedPointsInvalid += count;
    this.ledger.receive(count);
    this.ledger.refuse(count, reason);
  }

  onReject({ reason, text, identity, isParseFailure }: PacketRejection): void {
    const { counters, ledger, packet: raw, peer } = this;
    if (!isParseFailure) counters.listsRejected++;
    else if (!this.isFailureCounted) {
      // One a packet, as InfluxDB counts.
      counters.pointsParseFail++;
      this.isFailureCounted = true;
    }
    ledger.receive(1);
    // A packet is kept once, whatever is wrong with it.
    if (this.isOffender) ledger.refuse(1, reason);
    else ledger.reject({ reason, text: `${text} (${identity})`, peer, raw });
    this.isOffender = true;
    this.log.info('collectd parse error', { error: text, list: identity, remote_addr: peer });
  }

  onNotification(): void {
    this.counters.notifications++;
    this.ledger.receive(1);
    this.ledger.refuse(1, 'notification');
  }

  private receive(
    bytes: Uint8Array,
    { address, port }: Pick<RemoteInfo, 'address' | 'port'>,
  ): void {
    const { batcher, ledger } = this;
    this.counters.bytesRx += bytes.length;
    if (batcher.isBusy) {
      const points = countPoints(bytes, this.isJoined);
      ledger.receive(points);
      ledger.drop(points, 'batches pending');
      return;
    }
    this.packet = bytes;
    this.peer = `${address}:${port}`;
    this.isFailureCounted = false;
    this.isOffender = false;
    batcher.from(address);
    this.decoder.decode(bytes);
    batcher.added();
  }
}

/** Keys in which nothing means the default. Same as InfluxDB 1.x. */
const WITH_DEFAULTS = [
  'bindAddress',
  'database',
  'batchSize',
  'batchPending',
  'batchTimeoutMs',
  'typesDbPath',
  'authFilePath',
] as const;

/** The input as Tidegate registers it. */
export const collectdInput = defineInput({
  section: collectdSection,
  create: (config, context) =>
    new CollectdInput(withDefaults(collectdSection, config, WITH_DEFAULTS), context),
});
