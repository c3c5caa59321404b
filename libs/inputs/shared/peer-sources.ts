/** The sources of one listener's points by the address of the sender: one object each, so that telling them apart costs nothing. */
import type { PointSource } from '#models';

/** Senders that are told apart; from the next one on it begins anew. */
const PEERS_MAX = 4096;

/** Sources of one listener. */
export class PeerSources {
  private readonly known = new Map<string, PointSource>();
  /** The address asked for last: most ask again and again for the same. */
  private lastAddress: string | null = null;
  private lastSource: PointSource | null = null;

  constructor(private readonly listener: string) {}

  /** The source of an address, with or without a port (`10.0.0.1:2003`, `[::1]:2003`), which is left out. */
  of(address: string): PointSource {
    if (address === this.lastAddress && this.lastSource !== null) return this.lastSource;
    const peer = address.replace(/^(\[.*\]|[^:]*):\d+$/, '$1').replace(/^\[?(?:::ffff:)?|\]$/g, '');
    let source = this.known.get(peer);
    if (source === undefined) {
      if (this.known.size >= PEERS_MAX) this.known.clear();
      source = { listener: this.listener, peer };
      this.known.set(peer, source);
    }
    this.lastAddress = address;
    this.lastSource = source;
    return source;
  }
}
