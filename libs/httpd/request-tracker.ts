/**
 * Counts writes and queries by user and address while somebody looks at /debug/requests; costs nothing otherwise.
 * @see InfluxDB httpd.RequestTracker
 */

interface Counts {
  writes: number;
  queries: number;
}

/** Users and addresses that one look tells apart; further ones are not counted. */
export const TRACKED_MAX = 10_000;

/** Requests seen while a look is under way. */
export class RequestTracker {
  private readonly looks = new Set<Map<string, Counts>>();

  /** Counts one request. `user` is '' without authentication. */
  note(kind: keyof Counts, user: string, address: string): void {
    for (const look of this.looks) {
      const who = user === '' ? address : `${user}:${address}`;
      let counts = look.get(who);
      if (counts === undefined) {
        if (look.size >= TRACKED_MAX) continue;
        look.set(who, (counts = { writes: 0, queries: 0 }));
      }
      counts[kind]++;
    }
  }

  /** What comes in until `signal` or `durationMs` ends the look, as InfluxDB prints it. */
  async look(durationMs: number, signal: AbortSignal): Promise<string> {
    const look = new Map<string, Counts>();
    this.looks.add(look);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, durationMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.looks.delete(look);
    const lines = [...look].map(
      ([who, counts]) => `${JSON.stringify(who)}: ${JSON.stringify(counts)}`,
    );
    return `{\n${lines.join(',\n')}\n}\n`;
  }
}
