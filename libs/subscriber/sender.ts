/** How lines leave, as a port: one sender a destination. */
import type { SubscriberConfig } from './subscriber.config.js';

/** What became of lines that were sent. */
export type SendOutcome =
  | { readonly kind: 'delivered' }
  /** The destination will not take them, now or later: 400 or 413. */
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }
  /** Not now. */
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number };

/** Lines of line protocol in nanoseconds, one piece behind another, the last with its newline. */
export interface Lines {
  readonly pieces: readonly Uint8Array[];
  readonly sizeBytes: number;
}

/** A destination. One call at a time. */
export interface Sender {
  /** The address without its password. */
  readonly address: string;
  /** Never throws; ends at once when `signal` is aborted. */
  send(lines: Lines, signal: AbortSignal): Promise<SendOutcome>;
  close(): void;
}

/** Kind of a record of lines that were refused, for whoever reads dead letters of several sources. */
export const SUBSCRIBER_KIND = 1;

/** Where points belong. */
export interface Place {
  readonly database: string;
  readonly retentionPolicy: string;
}

/** What senders are told. */
export type SenderOptions = Pick<
  SubscriberConfig,
  'httpTimeoutMs' | 'isVerificationSkipped' | 'udpPayloadBytes'
> & {
  /** Authorities to trust, PEM; null for the system's. */
  readonly certificates: string | null;
};
