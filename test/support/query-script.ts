/**
 * Scripts of statements (`*.iql`): one statement a line, `#` before comments, `# points: NAME` before those asked over other
 * points. A line that begins with `{` is a request with parameters as JSON: `{"q": "…", "params": "…"}`.
 */

/** One request to /query. */
export interface QueryRequest {
  readonly db: string;
  /** Form parameters, `q` among them. */
  readonly form: Readonly<Record<string, string>>;
}

/** The requests of a script. */
export function readScript(text: string): readonly QueryRequest[] {
  let db = 'weeks';
  const requests: QueryRequest[] = [];
  for (const line of text.split('\n').map((one) => one.trim())) {
    const points = /^# points: (\w+)$/.exec(line);
    if (points?.[1]) db = points[1];
    if (line === '' || line.startsWith('#')) continue;
    const form = line.startsWith('{') ? (JSON.parse(line) as Record<string, string>) : { q: line };
    requests.push({ db, form: { epoch: 'ns', ...form } });
  }
  return requests;
}

/** Sends a request; JSON as its value, with exact integers as text, anything else as text. */
export async function askQuery(
  url: string,
  { db, form }: QueryRequest,
): Promise<{ readonly status: number; readonly text: string; readonly body: unknown }> {
  const answer = await fetch(`${url}/query?${new URLSearchParams({ db }).toString()}`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  const text = await answer.text();
  return { status: answer.status, text, body: parsed(text) };
}

function parsed(text: string): unknown {
  const lines = text.trim().split('\n');
  try {
    const values = lines.map((line): unknown =>
      JSON.parse(line.replace(/([[,:])(-?\d{16,})(?=[,\]}])/g, '$1"$2"')),
    );
    return values.length === 1 ? values[0] : values;
  } catch {
    return text;
  }
}

/** Equal but for the last digits of floats. */
export function isCloseTo(a: unknown, b: unknown): boolean {
  if (typeof a === 'number' && typeof b === 'number')
    return a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b));
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((one, i) => isCloseTo(one, b[i]));
  if (a && b && typeof a === 'object' && typeof b === 'object') {
    const x = a as Record<string, unknown>;
    const y = b as Record<string, unknown>;
    const keys = Object.keys(x);
    return keys.length === Object.keys(y).length && keys.every((key) => isCloseTo(x[key], y[key]));
  }
  return a === b;
}
