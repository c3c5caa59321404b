/** Replays recorded areas against a server and counts the steps whose answers are the recorded ones. */
import { compareAnswer } from './golden-compare.js';
import type { GoldenArea, GoldenCase } from './golden-case.js';
import { send } from './golden-http.js';

/** The servers to ask: one without authentication, one with it and its administrator. */
export interface GoldenTargets {
  readonly open: string;
  readonly auth: string;
}

/** A step that differs. */
export interface GoldenFailure {
  readonly step: string;
  readonly reason: string;
}

/** Result of an area. */
export interface GoldenResult {
  readonly area: string;
  readonly passed: number;
  readonly total: number;
  readonly failures: readonly GoldenFailure[];
}

const ADMIN = ['conf_admin', 'conf_pass'] as const;

/** Replays areas one after another; cases that bootstrap a server come first. */
export async function replay(
  areas: readonly GoldenArea[],
  targets: GoldenTargets,
): Promise<readonly GoldenResult[]> {
  const isBootstrap = (area: GoldenArea): boolean =>
    area.cases.some((golden) => golden.bootstrap === true);
  const results: GoldenResult[] = [];
  for (const area of [...areas].sort((a, b) => Number(isBootstrap(b)) - Number(isBootstrap(a)))) {
    results.push(await replayArea(area, targets));
  }
  return results.sort((a, b) => (a.area < b.area ? -1 : 1));
}

/** Replays one area. */
export async function replayArea(area: GoldenArea, targets: GoldenTargets): Promise<GoldenResult> {
  const failures: GoldenFailure[] = [];
  let total = 0;
  for (const golden of area.cases) {
    total += golden.steps.length;
    failures.push(...(await replayCase(golden, targets)));
  }
  return { area: area.name, passed: total - failures.length, total, failures };
}

async function replayCase(
  golden: GoldenCase,
  targets: GoldenTargets,
): Promise<readonly GoldenFailure[]> {
  const url = golden.server === 'auth' ? targets.auth : targets.open;
  const login = golden.server === 'auth' ? ADMIN : undefined;
  const failures: GoldenFailure[] = [];
  if (golden.bootstrap !== true) await clean(url, golden, login);
  for (const request of golden.setup) {
    const answer = await send(url, request, login);
    if (answer.status >= 300 || answer.body.includes('"error"')) {
      failures.push({
        step: `${golden.name} setup`,
        reason: `${answer.status} ${answer.body.toString().slice(0, 200)}`,
      });
    }
  }
  // A failed set-up is told with the steps it spoils; it is no step itself.
  const setUp = failures.splice(0).map(({ reason }) => ` (set-up: ${reason})`)[0] ?? '';
  for (let i = 0; i < golden.steps.length; i++) {
    const step = golden.steps[i];
    let reason: string | null;
    try {
      reason = compareAnswer(await send(url, step.request), step, golden.prefix);
    } catch (error) {
      reason = String(error);
    }
    if (reason !== null) {
      const asked =
        step.request.form?.['q'] ??
        (step.request.params as Record<string, string> | undefined)?.['q'] ??
        step.request.path;
      failures.push({
        step: `${golden.name} #${i + 1} ${asked.slice(0, 200)}`,
        reason: reason + setUp,
      });
    }
  }
  await clean(url, golden, golden.bootstrap === true ? ADMIN : login);
  return failures;
}

async function clean(
  url: string,
  golden: GoldenCase,
  login: readonly [string, string] | undefined,
): Promise<void> {
  const statements = [
    ...golden.databases.map((name) => `DROP DATABASE "${name}"`),
    ...golden.users.map((name) => `DROP USER "${name}"`),
  ];
  for (const q of statements)
    await send(url, { method: 'POST', path: '/query', form: { q } }, login);
}

/** One line an area, then the failures. */
export function formatResults(
  results: readonly GoldenResult[],
  failuresShown = Number.POSITIVE_INFINITY,
): string {
  const lines = results.map(
    ({ area, passed, total }) =>
      `results ${area}: ${passed} of ${total}${passed === total ? '' : '  <-- differs'}`,
  );
  const passed = results.reduce((sum, result) => sum + result.passed, 0);
  const total = results.reduce((sum, result) => sum + result.total, 0);
  lines.push(`results all areas: ${passed} of ${total}`);
  const failures = results.flatMap((result) => result.failures).slice(0, failuresShown);
  return [...lines, ...failures.map(({ step, reason }) => `- ${step}\n    ${reason}`)].join('\n');
}
