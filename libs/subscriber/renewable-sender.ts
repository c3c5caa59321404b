/** A sender in whose place another can be put: the same destination with other credentials. */
import type { Lines, Sender, SendOutcome } from './sender.js';

/** See the header. */
export class RenewableSender implements Sender {
  constructor(private current: Sender) {}

  get address(): string {
    return this.current.address;
  }

  /** Sends by another one from the next call on. */
  renew(sender: Sender): void {
    this.current.close();
    this.current = sender;
  }

  send(lines: Lines, signal: AbortSignal): Promise<SendOutcome> {
    return this.current.send(lines, signal);
  }

  close(): void {
    this.current.close();
  }
}
