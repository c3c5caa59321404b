/**
 * Requests of Grafana and Chronograf (`grafana-requests.json`) and what InfluxDB 1.6.7 answers to them (`grafana-answers.json`,
 * written by `scripts/record-grafana.mjs`).
 */
import { readFileSync } from 'node:fs';

/** A request as the fixture has it; what it does not name is left out. */
export interface DashboardRequest {
  readonly about: string;
  readonly q: string;
  /** `grafana` unless named; '' for none. */
  readonly db?: string;
  readonly epoch?: string;
  readonly pretty?: string;
  readonly chunked?: string;
  readonly chunk_size?: string;
  /** GET unless named; a POST is a form. */
  readonly method?: 'GET' | 'POST';
  readonly accept?: string;
}

/** What a client sees of an answer. */
export interface DashboardAnswer {
  readonly status: number;
  readonly contentType: string | null;
  readonly body: string;
}

/** The fixture. */
export function readDashboards(path: string): {
  readonly points: readonly string[];
  readonly requests: readonly DashboardRequest[];
} {
  return JSON.parse(readFileSync(path, 'utf8')) as ReturnType<typeof readDashboards>;
}

/** Makes the database and writes the points. */
export async function loadDashboards(url: string, points: readonly string[]): Promise<void> {
  const made = new URLSearchParams({ q: 'CREATE DATABASE grafana' });
  await (await fetch(`${url}/query`, { method: 'POST', body: made })).text();
  const body = points.join('\n');
  const written = await fetch(`${url}/write?db=grafana`, { method: 'POST', body });
  if (written.status !== 204)
    throw new TypeError(`the points were refused: ${await written.text()}`);
}

/** Sends a request as its client does. */
export async function askDashboard(
  url: string,
  { q, db = 'grafana', method = 'GET', accept, about: _about, ...others }: DashboardRequest,
): Promise<DashboardAnswer> {
  const isPost = method === 'POST';
  const parameters = new URLSearchParams({ ...(db !== '' && { db }), ...others });
  if (!isPost) parameters.set('q', q);
  const answer = await fetch(`${url}/query?${parameters.toString()}`, {
    method,
    headers: accept === undefined ? {} : { Accept: accept },
    ...(isPost && { body: new URLSearchParams({ q }) }),
  });
  const contentType = answer.headers.get('content-type');
  return { status: answer.status, contentType, body: await answer.text() };
}
