/**
 * A real Tidegate in a process of its own, on ports that the system gives, with its data in a folder of the caller's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';

/** A running server. */
export interface ServerProcess {
  readonly url: string;
  readonly process: ChildProcess;
  /** What it has written to its standard streams. */
  output(): string;
  /** Sends SIGTERM and waits for the end; the exit code. */
  stop(): Promise<number | null>;
  /** Sends SIGKILL and waits for the end. */
  kill(): Promise<void>;
}

/** Settings of a server; the rest is as configured by default. */
export interface ServerOptions {
  readonly folder: string;
  /** Lines for `[data]`, `[http]` and so on, behind ours. */
  readonly sections?: Readonly<Record<string, string>>;
  /** Sections of their own, as TOML. */
  readonly toml?: string;
  readonly startTimeoutMs?: number;
  /** True where `sections` turn HTTPS on; the certificate is not checked. */
  readonly isHttps?: boolean;
}

/** Below the ports that the system gives to whoever asks for any: connections of other tests do not take them meanwhile. */
const PORT_MIN = 10_000;
const PORT_MAX = 32_000;
const portsGiven = new Set<number>();

/** A port of the loopback that nobody listens on, each once in this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (portsGiven.has(port)) continue;
    portsGiven.add(port);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Status of a GET, certificates unchecked. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? https.get : http.get;
    const request = get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('error', reject);
  });
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Starts the built server and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { folder, sections = {}, toml = '' } = options;
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const rpcPort = await freePort();
  const config = join(folder, 'tidegate.toml');
  writeFileSync(
    config,
    `bind-address = "127.0.0.1:${rpcPort}"
[meta]
dir = "${folder}/meta"
${sections['meta'] ?? ''}
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
${sections['data'] ?? ''}
[monitor]
${sections['monitor'] ?? 'store-enabled = false'}
[http]
bind-address = "127.0.0.1:${port}"
log-enabled = false
${sections['http'] ?? ''}
${toml}
`,
  );
  const child = spawn(
    process.execPath,
    [resolve('dist/apps/cli/main.js'), 'run', '-config', config],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    },
  );
  let output = '';
  const collect = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-100_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let exitCode: number | null | undefined;
  const ended = new Promise<number | null>((done) =>
    child.on('exit', (code) => {
      exitCode = code;
      done(code);
    }),
  );
  const url = `${options.isHttps === true ? 'https' : 'http'}://127.0.0.1:${port}`;
  const deadline = Date.now() + (options.startTimeoutMs ?? 30_000);
  for (;;) {
    if (exitCode !== undefined || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new TypeError(`the server did not start (${exitCode}):\n${output}`);
    }
    try {
      if ((await statusOf(`${url}/ready`)) === 200) break;
    } catch {
      // Not listening yet.
    }
    await sleep(20);
  }
  return {
    url,
    process: child,
    output: () => output,
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Sends a query; the parsed answer. */
export async function query(
  url: string,
  q: string,
  params: Readonly<Record<string, string>> = {},
): Promise<{
  results?: {
    series?: {
      name?: string;
      tags?: Record<string, string>;
      columns: string[];
      values: unknown[][];
    }[];
    error?: string;
  }[];
  error?: string;
}> {
  const answer = await fetch(`${url}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q, ...params }),
  });
  return JSON.parse(await answer.text()) as ReturnType<typeof query> extends Promise<infer T>
    ? T
    : never;
}
