/**
 * The contract between Tidegate and an input: what an input is, what it is given, and how it is declared. Built-in inputs and
 * plugins are made of the same three interfaces. Everything an input needs comes through its context; it reaches storage
 * through the PointSink alone.
 */
import type { SecureContextOptions } from 'node:tls';
import type { Section, SectionKeys, KeyValues } from '#config';
import type { Clock, FileSystem, Logger } from '#kernel';
import type { ShapeTable } from '#models';
import type { IngestLedger, RejectedInput } from './ingest-ledger.js';
import type { PointSink } from './point-sink.js';
import type { ConnectionInfo } from './tcp-listener.js';

/** Counters of one listener, as SHOW STATS has them. */
export interface InputStatistics {
  /** `graphite` */
  readonly name: string;
  /** `{ proto: 'tcp', bind: ':2003' }` */
  readonly tags: Readonly<Record<string, string>>;
  /** By InfluxDB's names where it has one. */
  readonly values: Readonly<Record<string, number>>;
}

/** A running listener. Its constructor does nothing; `open` and `close` may be called again and again. */
export interface Input {
  /** `udp`, `graphite`: the name of its section. */
  readonly kind: string;
  /** What it does with what it receives. */
  readonly ledger: IngestLedger;
  /**
   * Starts to listen; resolves when it does.
   * @throws the system's error when the address cannot be had; InputError when a file that it needs cannot be used
   */
  open(): Promise<void>;
  /** Stops to listen, and resolves when everything received before is stored or counted as lost. */
  close(): Promise<void>;
  /** Addresses that are listened on, `127.0.0.1:2003`, with the real port where the configuration says 0. Empty while closed. */
  addresses(): readonly string[];
  statistics(): readonly InputStatistics[];
  /**
   * Takes a piece of input that was rejected before, as {@link RejectedInput.raw} had it, through the decoder once more; what comes
   * of it is stored by {@link close}. Called on an input of its own that is never opened, whose clock says when the input came
   * in. Absent where what is rejected is not to be had again.
   * @param target what the input said of it beside the bytes; see {@link RejectedInput.target}
   */
  replay?(
    raw: Uint8Array,
    peer: string,
    target?: Readonly<Record<string, string>>,
  ): void | Promise<void>;
  /** Connections open now, for diagnostics. */
  connections?(): readonly ConnectionInfo[];
  /** Takes up renewed certificates for new connections. @throws where they cannot be read; the old ones stay */
  reloadCertificates?(): void;
}

/** Keeps what inputs reject, for looking at and replaying. */
export interface RejectSink {
  /** Called for every rejected piece of input. Must copy the bytes, and must not throw. */
  reject(rejected: RejectedInput): void;
  /** Whether it would keep one more of a listener for a reason now; for what is costly to show. Absent where it always would. */
  isWanted?(listener: string, reason: string): boolean;
}

/** What an input is given. */
export interface InputContext {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly files: FileSystem;
  readonly sink: PointSink;
  /** The process' table of shapes, for builders of batches. */
  readonly shapes: ShapeTable;
  readonly rejects: RejectSink;
  /**
   * Reads certificate and key, with the versions and ciphers of `[tls]`.
   * @param privateKeyPath '' where the key is in the certificate's file
   */
  tlsOptions(certificatePath: string, privateKeyPath: string): SecureContextOptions;
}

/** Declares a kind of input: its section of the configuration, and how one is made of it. */
export interface InputDefinition<Keys extends SectionKeys = SectionKeys> {
  /** The list section `[[name]]`; it has a key `enabled` that code calls `isEnabled`. */
  readonly section: Section<Keys, true>;
  /**
   * Makes an input of one table of the section. Does nothing else: no files, no sockets.
   * @throws InputError when the table cannot be used
   */
  create(config: KeyValues<Keys>, context: InputContext): Input;
}

/** Lets definitions of different sections stand in one list. */
export function defineInput<Keys extends SectionKeys>(
  definition: InputDefinition<Keys>,
): InputDefinition {
  return definition as unknown as InputDefinition;
}
