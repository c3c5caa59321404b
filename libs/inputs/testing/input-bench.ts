/** What a test of an input needs around it: a context of memory, an input made of a piece of TOML, and ways to send to it. */
import dgram from 'node:dgram';
import net from 'node:net';
import { loadConfig } from '#config';
import { NodeFileSystem, silentLogger, SystemClock } from '#kernel';
import { ShapeTable } from '#models';
import type { RejectedInput } from '../shared/ingest-ledger.js';
import type { Input, InputContext, InputDefinition } from '../shared/input.js';
import { InputError } from '../shared/errors.js';
import { MemorySink } from './memory-sink.js';

/** Longest wait for something to happen. */
const WAIT_MS_MAX = 10_000;

/** An input and what it stands on. */
export interface InputBench {
  readonly input: Input;
  /** What it was given, and the table that it was made of. */
  readonly context: InputContext;
  readonly config: Parameters<InputDefinition['create']>[0];
  readonly sink: MemorySink;
  /** What it rejected, raw bytes copied. */
  readonly rejected: RejectedInput[];
}

/** The values of a table of an input's section. @throws ConfigError */
export function inputConfig(
  { section }: InputDefinition,
  toml: string,
): Parameters<InputDefinition['create']>[0] {
  const text = `[[${section.name}]]\n${toml}`;
  const [table] = loadConfig({ section }, text, {}).config.section;
  if (table === undefined) throw new InputError('inputs.testing', 'no table');
  return table;
}

/** An input of a piece of TOML, not opened yet. Addresses with port 0 suit best. */
export function benchInput(
  definition: InputDefinition,
  toml = '',
  context: Partial<InputContext> = {},
): InputBench {
  const sink = new MemorySink();
  const rejected: RejectedInput[] = [];
  const given: InputContext = {
    logger: silentLogger,
    clock: new SystemClock(),
    files: new NodeFileSystem(),
    shapes: new ShapeTable(),
    sink,
    rejects: { reject: (each) => rejected.push({ ...each, raw: each.raw.slice() }) },
    tlsOptions: () => ({}),
    ...context,
  };
  const config = inputConfig(definition, toml);
  const input = definition.create(config, given);
  return { input, context: given, config, sink, rejected };
}

/** Waits until a condition holds. @throws InputError when it does not after 10 s */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (!holds()) {
    if (performance.now() > deadlineMs)
      throw new InputError('inputs.testing', `waited for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function placeOf(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[|\]$/g, '');
  return { host: host === '::' ? '127.0.0.1' : host, port: Number(address.slice(at + 1)) };
}

/** Sends bytes over a connection of their own; resolves with the answer when the other side has closed. */
export function sendTcp(address: string, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const answer: Buffer[] = [];
    const socket = net.connect(placeOf(address), () => socket.end(bytes));
    socket.on('data', (chunk: Buffer) => answer.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(answer)));
    socket.on('error', reject);
  });
}

/** Sends datagrams; resolves when the system has taken them. */
export async function sendUdp(address: string, ...datagrams: readonly Uint8Array[]): Promise<void> {
  const { host, port } = placeOf(address);
  const socket = dgram.createSocket(host.includes(':') ? 'udp6' : 'udp4');
  for (const datagram of datagrams) {
    await new Promise<void>((resolve, reject) => {
      socket.send(datagram, port, host, (error) => (error === null ? resolve() : reject(error)));
    });
  }
  socket.close();
}
