/** `tidegate deadletters`: what inputs of a running server have rejected; over HTTP. */
import type { Command } from 'commander';
import { messageOf, TidegateError } from '#kernel';
import { formatTable, type ListedLetter } from './format-letters.js';

/** Where a command writes. */
export interface LettersOutput {
  readonly stdout: { write(bytes: string | Uint8Array): unknown };
  readonly stderr: { write(text: string): unknown };
}

/** Flags that all subcommands have. */
interface Flags {
  readonly host: string;
  readonly username?: string;
  readonly password?: string;
  readonly listener?: string;
  readonly reason?: string;
  readonly limit?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

const HOST = 'http://127.0.0.1:8086';

/** Why the server did not do as told. */
class LettersError extends TidegateError {}

/** Adds the command; it sets the process' exit code. */
export function addDeadLettersCommand(program: Command, output: LettersOutput): void {
  const command = program
    .command('deadletters')
    .description('what inputs of a running server have rejected: list, show, replay, drop');
  const sub = (name: string, text: string): Command =>
    command
      .command(name)
      .description(text)
      .option('--host <url>', 'address of the server', HOST)
      .option('--username <name>', 'user, where the server asks for one')
      .option('--password <text>', 'password');
  const chosen = (each: Command): Command =>
    each
      .option('--listener <name>', 'only of this listener ("graphite :2003") or kind ("graphite")')
      .option('--reason <text>', 'only for this reason');
  const run = async (work: () => Promise<string | Uint8Array>): Promise<void> => {
    try {
      output.stdout.write(await work());
    } catch (error) {
      output.stderr.write(`deadletters: ${messageOf(error)}\n`);
      process.exitCode = 1;
    }
  };
  chosen(sub('list', 'the newest ones'))
    .option('--limit <n>', 'how many', '100')
    .option('--json', 'as JSON')
    .action((flags: Flags) => run(() => list(flags)));
  sub('show <id>', 'the bytes of one, as they came')
    .option('--json', 'everything about it, as JSON')
    .action((id: string, flags: Flags) => run(() => show(id, flags)));
  chosen(sub('replay [id...]', 'take them through their listener once more'))
    .option('--all', 'all of them')
    .action((ids: string[], flags: Flags) => run(() => change('replay', ids, flags)));
  chosen(sub('drop [id...]', 'forget them'))
    .option('--all', 'all of them')
    .action((ids: string[], flags: Flags) => run(() => change('drop', ids, flags)));
}

async function list(flags: Flags): Promise<string> {
  const parameters = { ...filterOf(flags, []), limit: flags.limit ?? '' };
  const answer = await ask(flags, 'GET', '', parameters);
  if (flags.json === true) return `${JSON.stringify(answer, null, 2)}\n`;
  return formatTable((answer as { letters: readonly ListedLetter[] }).letters);
}

async function show(id: string, flags: Flags): Promise<string | Uint8Array> {
  const answer = await ask(flags, 'GET', '/show', { id });
  if (flags.json === true) return `${JSON.stringify(answer, null, 2)}\n`;
  return Buffer.from((answer as { raw: string }).raw, 'base64');
}

async function change(verb: 'replay' | 'drop', ids: string[], flags: Flags): Promise<string> {
  const answer = await ask(flags, 'POST', `/${verb}`, filterOf(flags, ids));
  const { reasons = [], ...counts } = answer as { reasons?: readonly string[] };
  const line = Object.entries(counts).map(([name, count]) => `${String(count)} ${name}`);
  return [line.join(', '), ...reasons.map((reason) => `  ${reason}`), ''].join('\n');
}

function filterOf({ listener = '', reason = '', all }: Flags, ids: readonly string[]) {
  return { id: ids.join(','), listener, reason, all: all === true ? 'true' : '' };
}

/** Asks the server. @throws LettersError with its text */
async function ask(
  { host, username, password = '' }: Flags,
  method: string,
  path: string,
  parameters: Readonly<Record<string, string>>,
): Promise<object> {
  const given = Object.entries(parameters).filter(([, value]) => value !== '');
  const query = new URLSearchParams(given).toString();
  const credentials = Buffer.from(`${username ?? ''}:${password}`).toString('base64');
  const url = `${host.replace(/\/+$/, '')}/deadletters${path}${query === '' ? '' : `?${query}`}`;
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers: username === undefined ? {} : { Authorization: `Basic ${credentials}` },
    });
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw new LettersError('cli.dead-letters', `cannot reach ${host}: ${messageOf(cause)}`);
  }
  const text = await answer.text();
  if (!answer.ok) throw new LettersError('cli.dead-letters', errorText(text, answer.status));
  return JSON.parse(text) as object;
}

function errorText(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { error?: string };
    return error ?? `the server answered ${status}`;
  } catch {
    return `the server answered ${status}; does it keep dead letters?`;
  }
}
