/**
 * A TCP listener for inputs: keeps track of its connections, limits them, holds them back while the writer is busy, and closes
 * cleanly. What the bytes mean is the handler's business.
 */
import net from 'node:net';
import tls, { type SecureContextOptions } from 'node:tls';
import { type Logger, messageOf } from '#kernel';
import { inPresentScope } from './fault-scope.js';
import { formatAddress, parseBindAddress } from './bind-address.js';

/** A connection as its handler sees it. */
export interface TcpConnection {
  /** Address of the other side. */
  readonly peer: string;
  /** Sends an answer. A peer that does not read its answers is cut off after {@link ANSWER_BYTES_MAX}. */
  write(bytes: Uint8Array | string): void;
  /** Bytes of answers that wait for the peer to read them. */
  readonly backlogBytes: number;
  /** Sends what was written and ends the connection. */
  close(): void;
  /**
   * Gives the socket away, for a protocol that Node speaks: the handler gets no more data and the socket is not held back any
   * more, but it still counts, and `end` still comes when it has closed.
   * @param rest bytes that were received and are to be read again
   */
  detach(rest: Uint8Array): net.Socket;
}

/** Takes what a connection receives. Must not throw; one that does loses its connection. */
export interface ConnectionHandler {
  /** @param chunk lent for the call */
  data(chunk: Uint8Array): void;
  /** No more comes: the peer has ended, the connection broke, or the listener closes. Called once. */
  end(): void;
}

/** Settings of a listener. */
export interface TcpListenerOptions {
  /** `host:port`, `:port`; port 0 lets the system choose. */
  readonly bindAddress: string;
  /** Connections open at one time; further ones are closed at once. 0 = {@link CONNECTIONS_MAX}. */
  readonly connectionsMax?: number;
  /** Connections that are silent for so long are closed; 0 = never. */
  readonly idleTimeoutMs?: number;
  /** Certificate and key where connections are encrypted. */
  readonly tls?: SecureContextOptions | undefined;
  readonly logger: Logger;
  accept(connection: TcpConnection): ConnectionHandler;
}

/** An open connection, as diagnostics show it. */
export interface ConnectionInfo {
  readonly local: string;
  readonly remote: string;
  readonly connectedAt: Date;
}

/** Connections of one listener where nothing else is configured. */
export const CONNECTIONS_MAX = 10_000;
/** Bytes of answers that may wait for a peer to read them. */
export const ANSWER_BYTES_MAX = 1024 * 1024;
/** How long a closing listener reads on, so that what peers have sent is not lost. */
const DRAIN_MS_MAX = 500;
const DRAIN_TURNS = 2;
/** How long a peer may take to agree on encryption. */
const HANDSHAKE_MS_MAX = 10_000;

interface OpenConnection extends ConnectionInfo {
  readonly socket: net.Socket;
  /** True when somebody else reads it. */
  isDetached: boolean;
  /** Forgets the connection and ends its handler. */
  finish(): void;
}

/** Accepts connections and hands their bytes to handlers. */
export class TcpListener {
  /** Connections open now. */
  connectionsActive = 0;
  /** Connections accepted so far. */
  connectionsHandled = 0;
  /** Connections closed at once because there were too many. */
  connectionsRefused = 0;
  /** Connections that were cut because their handler threw. */
  handlerFaults = 0;
  private server: net.Server | null = null;
  private readonly open_ = new Set<OpenConnection>();
  /** Sockets below TLS, also those that have not shaken hands. */
  private readonly encrypted = new Set<net.Socket>();
  private isPaused = false;
  private chunks = 0;

  constructor(private readonly options: TcpListenerOptions) {}

  /** The address listened on, or null while closed. */
  get address(): string | null {
    const address = this.server?.address();
    return typeof address === 'object' && address !== null ? formatAddress(address) : null;
  }

  /** Connections open now, oldest first. */
  connections(): readonly ConnectionInfo[] {
    return [...this.open_];
  }

  /** Listens. @throws the system's error when the address cannot be had */
  async open(): Promise<void> {
    if (this.server !== null) return;
    const { host, port } = parseBindAddress(this.options.bindAddress);
    const { tls: secure } = this.options;
    const server =
      secure === undefined
        ? net.createServer((socket) => this.accept(socket))
        : tls.createServer({ ...secure, handshakeTimeout: HANDSHAKE_MS_MAX }, (socket) =>
            this.accept(socket),
          );
    if (secure !== undefined) server.on('connection', (socket: net.Socket) => this.track(socket));
    server.on('tlsClientError', (error: Error) => this.note(error));
    await listen(server, host ?? '::', port).catch((error: unknown) => {
      // A machine without IPv6.
      if (host === undefined) return listen(server, '0.0.0.0', port);
      throw error;
    });
    server.on('error', (error) => this.note(error));
    this.server = server;
  }

  /** Stops reading from all connections; their senders wait. */
  pause(): void {
    this.isPaused = true;
    for (const { socket, isDetached } of this.open_) if (!isDetached) socket.pause();
  }

  /** Reads again. */
  resume(): void {
    this.isPaused = false;
    for (const { socket, isDetached } of this.open_) if (!isDetached) socket.resume();
  }

  /** Takes no more connections, reads what has arrived, ends all connections and their handlers. */
  async close(): Promise<void> {
    const { server } = this;
    if (server === null) return;
    this.server = null;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await this.drain();
    for (const connection of [...this.open_]) {
      connection.finish();
      connection.socket.destroy();
    }
    for (const socket of this.encrypted) socket.destroy();
    await closed;
  }

  /** Takes up another certificate for new connections. */
  setSecureContext(options: SecureContextOptions): void {
    if (this.server instanceof tls.Server) this.server.setSecureContext(options);
  }

  /** Lets the event loop read until nothing comes for a few turns. */
  private async drain(): Promise<void> {
    const deadlineMs = performance.now() + DRAIN_MS_MAX;
    let quiet = 0;
    while (quiet < DRAIN_TURNS && performance.now() < deadlineMs) {
      const before = this.chunks;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.chunks === before ? quiet + 1 : 0;
    }
  }

  private accept(socket: net.Socket): void {
    const { connectionsMax, idleTimeoutMs = 0, accept } = this.options;
    socket.on('error', (error) => this.note(error));
    if (this.open_.size >= (connectionsMax || CONNECTIONS_MAX)) {
      this.connectionsRefused++;
      socket.destroy();
      return;
    }
    const remote = endOf(socket.remoteAddress, socket.remotePort);
    const handler = accept({
      peer: remote,
      write: (bytes) => {
        if (socket.destroyed || socket.writableEnded) return;
        socket.write(bytes);
        if (socket.writableLength > ANSWER_BYTES_MAX) socket.destroy();
      },
      get backlogBytes() {
        return socket.writableLength;
      },
      close: () => socket.end(),
      detach: (rest) => {
        connection.isDetached = true;
        socket.removeListener('data', receive);
        socket.pause();
        if (rest.length > 0) socket.unshift(rest);
        return socket;
      },
    });
    const receive = inPresentScope((chunk: Buffer): void => {
      this.chunks++;
      try {
        handler.data(chunk);
      } catch (error) {
        this.cutOff(socket, error);
      }
    });
    const connection: OpenConnection = {
      socket,
      isDetached: false,
      local: endOf(socket.localAddress, socket.localPort),
      remote,
      connectedAt: new Date(),
      finish: inPresentScope(() => {
        if (!this.open_.delete(connection)) return;
        this.connectionsActive--;
        try {
          handler.end();
        } catch (error) {
          this.cutOff(socket, error);
        }
      }),
    };
    this.open_.add(connection);
    this.connectionsActive++;
    this.connectionsHandled++;
    socket.on('data', receive);
    socket.on('end', () => {
      if (!connection.isDetached) connection.finish();
    });
    socket.on('close', connection.finish);
    if (idleTimeoutMs > 0) socket.setTimeout(idleTimeoutMs, () => socket.destroy());
    if (this.isPaused) socket.pause();
  }

  /** Keeps hold of a socket that has not shaken hands yet, and refuses those beyond the limit. */
  private track(socket: net.Socket): void {
    if (this.encrypted.size >= (this.options.connectionsMax || CONNECTIONS_MAX)) {
      this.connectionsRefused++;
      socket.destroy();
      return;
    }
    this.encrypted.add(socket);
    socket.once('close', () => this.encrypted.delete(socket));
  }

  private cutOff(socket: net.Socket, error: unknown): void {
    this.handlerFaults++;
    this.options.logger.error('Connection is cut: its handler failed', {
      peer: endOf(socket.remoteAddress, socket.remotePort),
      error: messageOf(error),
      ...(error instanceof Error && { stack: error.stack }),
    });
    socket.destroy();
  }

  private note(error: Error): void {
    this.options.logger.debug('Connection failed', { error: messageOf(error) });
  }
}

function listen(server: net.Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

const endOf = (address: string | undefined, port: number | undefined): string =>
  formatAddress({ address: address ?? '', port: port ?? 0 });
