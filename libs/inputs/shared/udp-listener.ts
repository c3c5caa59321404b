/**
 * A UDP listener for inputs: sets the receive buffer and says what the kernel granted, counts what the kernel dropped, and reads
 * what has arrived before it closes. Datagrams come straight from the socket's event; dgram-as-promised opens and closes it.
 */
import type { RemoteInfo } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { DgramAsPromised, type SocketAsPromised } from 'dgram-as-promised';
import { type Logger, messageOf } from '#kernel';
import { inPresentScope } from './fault-scope.js';
import { formatAddress, parseBindAddress } from './bind-address.js';
import type { IngestLedger } from './ingest-ledger.js';
import { kernelDropsOf } from './kernel-drops.js';

/** Settings of a listener. */
export interface UdpListenerOptions {
  /** `host:port`, `:port`; port 0 lets the system choose. */
  readonly bindAddress: string;
  /** Receive buffer in bytes; 0 = the system's default. */
  readonly readBufferBytes: number;
  readonly logger: Logger;
  /** Told what the kernel dropped. */
  readonly ledger: IngestLedger;
  /**
   * Takes a datagram. Must not throw; what it throws is logged and counted.
   * @param bytes lent for the call
   */
  receive(bytes: Uint8Array, peer: RemoteInfo): void;
}

/** How often the kernel's counter is read. */
const POLL_MS = 1000;
/** How long a closing listener reads on. */
const DRAIN_MS_MAX = 500;
const DRAIN_TURNS = 2;

/** Receives datagrams. */
export class UdpListener {
  /** Datagrams received. */
  datagrams = 0;
  /** Errors of reading. */
  readFail = 0;
  /** Datagrams whose handler threw. */
  handlerFaults = 0;
  /** Datagrams that the kernel dropped for want of buffer. */
  kernelDrops = 0;
  private socket: SocketAsPromised | null = null;
  private poller: NodeJS.Timeout | undefined;
  private seenDrops = 0;

  constructor(private readonly options: UdpListenerOptions) {}

  /** The address listened on, or null while closed. */
  get address(): string | null {
    return this.socket === null ? null : formatAddress(this.socket.address());
  }

  /** Listens. @throws the system's error when the address cannot be had */
  async open(): Promise<void> {
    if (this.socket !== null) return;
    const { host, port } = parseBindAddress(this.options.bindAddress);
    const socket =
      host === undefined
        ? // A machine without IPv6 has its own addresses only.
          await bound('udp6', '::', port).catch(() => bound('udp4', '0.0.0.0', port))
        : await bound(host.includes(':') ? 'udp6' : 'udp4', host, port);
    const { receive, readBufferBytes, logger } = this.options;
    if (readBufferBytes > 0) this.setReceiveBuffer(socket, readBufferBytes);
    const raw = socket.socket;
    const take = inPresentScope(receive);
    raw.on('message', (message, peer) => {
      this.datagrams++;
      try {
        take(message, peer);
      } catch (error) {
        this.handlerFaults++;
        logger.error('Datagram is lost: its handler failed', {
          peer: `${peer.address}:${peer.port}`,
          error: messageOf(error),
          ...(error instanceof Error && { stack: error.stack }),
        });
      }
    });
    raw.on('error', (error) => {
      this.readFail++;
      logger.info('Failed to read UDP message', { error: messageOf(error) });
    });
    this.socket = socket;
    this.seenDrops = 0;
    this.poller = setInterval(() => this.poll(), POLL_MS);
    this.poller.unref();
  }

  /** Reads what has arrived, then closes. */
  async close(): Promise<void> {
    const { socket } = this;
    if (socket === null) return;
    clearInterval(this.poller);
    const deadlineMs = performance.now() + DRAIN_MS_MAX;
    for (let quiet = 0; quiet < DRAIN_TURNS && performance.now() < deadlineMs;) {
      const before = this.datagrams;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.datagrams === before ? quiet + 1 : 0;
    }
    this.poll();
    this.socket = null;
    await socket.close();
  }

  /** Takes over what the kernel has counted since the last time. */
  poll(): void {
    if (this.socket === null) return;
    const { address, port, family } = this.socket.address();
    const isV6 = family === 'IPv6';
    let drops: number | null;
    try {
      const table = readFileSync(isV6 ? '/proc/net/udp6' : '/proc/net/udp', 'latin1');
      drops = kernelDropsOf(table, address, port);
    } catch {
      // No Linux.
      drops = null;
    }
    if (drops === null || drops <= this.seenDrops) return;
    const news = drops - this.seenDrops;
    this.seenDrops = drops;
    this.kernelDrops += news;
    this.options.ledger.dropInKernel(news);
  }

  private setReceiveBuffer(socket: SocketAsPromised, wantedBytes: number): void {
    const { logger } = this.options;
    try {
      socket.setRecvBufferSize(wantedBytes);
    } catch (error) {
      logger.warn('Unable to set UDP read buffer', { wantedBytes, error: messageOf(error) });
      return;
    }
    // Linux reports twice what it grants.
    const grantedBytes = socket.getRecvBufferSize() / (process.platform === 'linux' ? 2 : 1);
    const fields = { wantedBytes, grantedBytes };
    if (grantedBytes < wantedBytes) logger.warn('UDP read buffer is smaller than asked', fields);
    else logger.info('UDP read buffer set', fields);
  }
}

async function bound(
  type: 'udp4' | 'udp6',
  address: string,
  port: number,
): Promise<SocketAsPromised> {
  const socket = DgramAsPromised.createSocket({ type });
  await socket.bind({ address, port });
  return socket;
}
