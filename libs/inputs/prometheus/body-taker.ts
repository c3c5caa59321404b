/** Bodies of remote writes that were rejected, through the handler once more: each with the parameters and headers that it came with. */
import type { DeadLetter } from '../dead-letters/dead-letters.js';
import type { LetterTaker } from '../dead-letters/replay-letters.js';
import type { IngestLedger } from '../shared/ingest-ledger.js';
import type { PrometheusRequest } from './ports.js';

/** What of a request says how its body is to be read and where its samples go. No credentials. */
const PARAMETERS = ['db', 'rp', 'consistency'];
const HEADERS = ['content-type', 'content-encoding'];

/** For a letter: what has to be known besides the body. */
export function targetOf(request: PrometheusRequest): Readonly<Record<string, string>> {
  const parameters = PARAMETERS.map((name) => [name, request.parameter(name)]);
  const headers = HEADERS.map((name) => [name, request.header(name) ?? '']);
  return Object.fromEntries(
    [...parameters, ...headers].filter(([, value]) => value !== ''),
  ) as Record<string, string>;
}

/** A taker over a handler with books of its own. */
export function bodyTaker(
  handler: { handle(request: PrometheusRequest): Promise<unknown> },
  ledger: IngestLedger,
): LetterTaker {
  const rejections = (): number =>
    ledger.snapshot().rejected.reduce((sum, { count }) => sum + count, 0);
  return {
    async take(letter) {
      const before = rejections();
      try {
        await handler.handle(requestOf(letter));
      } catch (error) {
        // What is rejected again stands in the books.
        if (rejections() === before) throw error;
      }
    },
    books: () => ledger.snapshot(),
    close: () => Promise.resolve(),
  };
}

/** The request that a letter came with; whoever replays letters may write anywhere. */
function requestOf({ raw, target, peer }: DeadLetter): PrometheusRequest {
  const nothing = (): void => undefined;
  return {
    parameter: (name) => target[name] ?? '',
    header: (name) => target[name],
    body: raw,
    signal: new AbortController().signal,
    peer,
    authorize: nothing,
    count: nothing,
  };
}
