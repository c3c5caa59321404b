/**
 * Dead letters over HTTP, for administrators: GET /deadletters (list), GET /deadletters/show, POST /deadletters/replay and
 * POST /deadletters/drop. Which letters: `id` (several, with commas), `listener`, `reason`; to change all, `all=true`.
 */
import { InputError } from '../shared/errors.js';
import { FORM, UNREPLAYABLE } from '../shared/ingest-ledger.js';
import type { DeadLetter, DeadLetters, LetterFilter } from './dead-letters.js';
import { replayLetters, type TakerSource, whyUnreplayable } from './replay-letters.js';

/** A request; httpd's HttpRouteRequest is one. */
export interface LettersRequest {
  /** The first value of a URL parameter, or ''. */
  parameter(name: string): string;
}

/** An answer; an HttpRouteResult of httpd. */
export interface LettersResult {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A route; an HttpRoute of httpd. */
export interface LettersRoute {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly privilege: 'admin';
  handle(request: LettersRequest): Promise<LettersResult>;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 10_000;
const SAMPLE_BYTES_MAX = 128;

/** The routes over a box of letters. */
export function deadLetterRoutes(
  letters: DeadLetters,
  takerFor: TakerSource,
): readonly LettersRoute[] {
  const route = (
    method: 'GET' | 'POST',
    path: string,
    answer: (request: LettersRequest) => Promise<object>,
  ): LettersRoute => ({
    method,
    path,
    privilege: 'admin',
    handle: async (request) => ({
      status: 200,
      headers: { 'Content-Type': 'application/json' },
      body: `${JSON.stringify(await answer(request))}\n`,
    }),
  });
  return [
    route('GET', '/deadletters', async (request) => {
      const limit = Number(request.parameter('limit') || LIMIT_DEFAULT);
      if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX)
        throw bad(`limit must be between 1 and ${LIMIT_MAX}`);
      const found = await letters.newest(filterOf(request), limit);
      const whyNot = unreplayables(takerFor);
      const shownLetters: object[] = [];
      for (const letter of found) {
        const unreplayable = await whyNot(letter);
        shownLetters.push({ ...shown(letter), unreplayable, sample: sampleOf(letter.raw) });
      }
      return {
        letters: shownLetters,
        counters: letters.statistics()[0]?.values ?? {},
      };
    }),
    route('GET', '/deadletters/show', async (request) => {
      const [letter] = await letters.newest({ ids: [idOf(request.parameter('id'))] }, 1);
      if (letter === undefined) throw new InputError('inputs.not-found', 'no such dead letter');
      const unreplayable = await whyUnreplayable(letter, takerFor);
      return { ...shown(letter), unreplayable, raw: Buffer.from(letter.raw).toString('base64') };
    }),
    route('POST', '/deadletters/replay', (request) =>
      replayLetters(letters, chosen(request), takerFor),
    ),
    route('POST', '/deadletters/drop', async (request) => {
      const ids: number[] = [];
      await letters.forEach(chosen(request), ({ id }) => void ids.push(id));
      await letters.remove(ids, 'removed');
      return { dropped: ids.length };
    }),
  ];
}

/** Why letters cannot be replayed; asks once for letters that are alike. */
function unreplayables(takerFor: TakerSource): (letter: DeadLetter) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return (letter) => {
    const key = JSON.stringify([letter.listener, letter.target[FORM], letter.target[UNREPLAYABLE]]);
    const answer = known.get(key) ?? whyUnreplayable(letter, takerFor);
    known.set(key, answer);
    return answer;
  };
}

function shown({ id, timeNs, listener, peer, reason, text, target, raw }: DeadLetter) {
  const time = new Date(Number(timeNs / 1_000_000n)).toISOString();
  return { id, time, listener, peer, reason, text, target, bytes: raw.length };
}

/** The beginning, odd bytes as `\x00`. */
const sampleOf = (raw: Uint8Array): string =>
  Buffer.from(raw.subarray(0, SAMPLE_BYTES_MAX))
    .toString('latin1')
    .replace(/[^ -~]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

/** @throws InputError where none is named and not all are meant */
function chosen(request: LettersRequest): LetterFilter {
  const filter = filterOf(request);
  if (Object.keys(filter).length === 0 && request.parameter('all') !== 'true')
    throw bad('name the dead letters by id, listener or reason, or say all=true');
  return filter;
}

function filterOf(request: LettersRequest): LetterFilter {
  const [id, listener, reason] = ['id', 'listener', 'reason'].map((name) =>
    request.parameter(name),
  );
  return {
    ...(id !== '' && { ids: id.split(',').map(idOf) }),
    ...(listener !== '' && { listener }),
    ...(reason !== '' && { reason }),
  };
}

function idOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw bad(`no id of a dead letter: ${JSON.stringify(text)}`);
  return Number(text);
}

const bad = (text: string): InputError => new InputError('inputs.bad-request', text);
