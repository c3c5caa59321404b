/**
 * Lines by UDP: whole ones, as many in a datagram as fit. Nobody confirms them: sent is delivered, unless the system says
 * that nobody listens.
 */
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf, redactUrl } from '#kernel';
import type { Lines, Sender, SenderOptions, SendOutcome } from './sender.js';
import { joinLines, lineEnds } from './lines.js';

/** Datagrams sent before others get their turn, so that the receiver can empty its buffer. */
const BURST = 32;
/** No datagram is longer. */
const DATAGRAM_BYTES_MAX = 65_507;

/** See the header. */
export class UdpSender implements Sender {
  readonly address: string;
  private socket: Socket | null = null;
  private lastError: Error | null = null;

  constructor(
    private readonly url: URL,
    private readonly options: Pick<SenderOptions, 'udpPayloadBytes'>,
  ) {
    this.address = redactUrl(url.href.replace(/\/$/, ''));
  }

  async send(lines: Lines, signal: AbortSignal): Promise<SendOutcome> {
    try {
      const body = joinLines(lines);
      let sent = 0;
      for (const datagram of datagramsOf(body, this.options.udpPayloadBytes)) {
        if (datagram.length > DATAGRAM_BYTES_MAX) {
          return { kind: 'refused', status: 0, reason: 'longer than a datagram' };
        }
        const socket = (this.socket ??= await this.connect());
        await new Promise<void>((resolve, reject) =>
          socket.send(datagram, (error) => (error === null ? resolve() : reject(error))),
        );
        if (++sent % BURST === 0) await nextTurn();
        signal.throwIfAborted();
      }
      await nextTurn();
      if (this.lastError !== null) throw this.lastError;
      return { kind: 'delivered' };
    } catch (error) {
      this.close();
      return { kind: 'failed', reason: messageOf(error), retryAfterMs: 0 };
    }
  }

  close(): void {
    this.lastError = null;
    this.socket?.close();
    this.socket = null;
  }

  private async connect(): Promise<Socket> {
    const host = this.url.hostname.replace(/^\[(.*)\]$/, '$1') || 'localhost';
    const { address, family } = await lookup(host);
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.connect(Number(this.url.port), address, () => {
          socket.off('error', reject);
          resolve();
        });
      });
    } catch (error) {
      socket.close();
      throw error;
    }
    // Said of an earlier datagram: that nobody listens.
    socket.on('error', (error) => (this.lastError = error));
    socket.unref();
    return socket;
  }
}

/** The lines in parts of at most `sizeMax` bytes; a longer line is a part of its own. No part ends with a newline. */
export function* datagramsOf(body: Uint8Array, sizeMax: number): Generator<Uint8Array> {
  let start = 0;
  let end = 0;
  for (const next of lineEnds(body)) {
    if (end > start && next - start > sizeMax) {
      yield body.subarray(start, end);
      start = end + 1;
    }
    end = next;
  }
  if (end > start) yield body.subarray(start, end);
}
