/** /debug/vars: all counters as one JSON object, in InfluxDB 1.x's layout. @see InfluxDB httpd.Handler.serveExpvar */
import type { Statistics } from './statistics.js';

/** What stands before the counters. */
export interface ServerTimes {
  /** RFC 3339. */
  readonly currentTime: string;
  readonly started: string;
  /** Whole seconds. */
  readonly uptime: number;
}

/** The text of the object. */
export function debugVarsText(times: ServerTimes, all: readonly Statistics[]): string {
  const runtime = all.find(({ name }) => name === 'runtime')?.values ?? {};
  // Go writes the one name in two ways.
  const memory = { ...runtime, HeapInuse: runtime['HeapInUse'] };
  const lines = [
    `"system": ${JSON.stringify(times)}`,
    `"cmdline": ${JSON.stringify(process.argv)}`,
    `"memstats": ${JSON.stringify(memory)}`,
  ];
  const seen = new Map<string, number>();
  for (const entry of all) {
    const key = keyOf(entry);
    const count = (seen.get(key) ?? 0) + 1;
    seen.set(key, count);
    const unique = count === 1 ? key : `${key}:${count - 1}`;
    lines.push(`${JSON.stringify(unique)}: ${JSON.stringify(entry)}`);
  }
  return `{\n${lines.join(',\n')}\n}\n`;
}

/** The key under which an entry stands. */
function keyOf({ name, tags }: Statistics): string {
  const parts = [name];
  const add = (tag: string): boolean => {
    const value = tags[tag];
    if (value !== undefined) parts.push(value);
    return value !== undefined;
  };
  if (add('path')) {
    add('id');
  } else if (tags['bind'] !== undefined) {
    add('proto');
    add('bind');
  } else if (add('listener')) {
    add('outcome');
    add('reason');
  } else if (add('database') && add('retention_policy')) {
    add('name');
    add('destination');
  }
  return parts.join(':');
}
