/**
 * The decoders of the inputs without their sockets, all behind one function that takes bytes: for tests that feed them very many
 * pieces. What each is fed is what a listener hands it: lines, datagrams, messages, request bodies.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { loadConfig } from '#config';
import { SystemClock } from '#kernel';
import { ShapeTable } from '#models';
import { collectdInput } from '../collectd/collectd.input.js';
import { graphiteInput } from '../graphite/graphite.input.js';
import { PickleReader } from '../graphite/pickle-reader.js';
import { readBody } from '../opentsdb/request-body.js';
import { opentsdbInput } from '../opentsdb/opentsdb.input.js';
import type { PrometheusRequest } from '../prometheus/ports.js';
import { PrometheusService } from '../prometheus/prometheus-service.js';
import { prometheusSection } from '../prometheus/prometheus.config.js';
import type { InputDefinition } from '../shared/input.js';
import { IngestLedger, type LedgerSnapshot } from '../shared/ingest-ledger.js';
import { udpInput } from '../udp/udp.input.js';
import { benchInput } from './input-bench.js';
import { MemorySink } from './memory-sink.js';

/** A decoder and what is behind it. */
export interface BareDecoder {
  /** @throws only TidegateError */
  feed(bytes: Uint8Array): void | Promise<void>;
  /** Stores what was decoded, and starts anew. The books of all that was fed since the last time, where it keeps any. */
  settle(): Promise<LedgerSnapshot | null>;
}

/** Bytes that a gzip body may decompress to in {@link bareDecoders}. */
const GUNZIPPED_BYTES_MAX = 2 ** 20;
const PEER = '10.0.0.7:1';

/** Makes decoders, by name. `collectdToml`: types.db and auth file of the collectd ones. */
export function bareDecoders(collectdToml: string): Readonly<Record<string, () => BareDecoder>> {
  return {
    'line protocol (udp)': () => inputDecoder(udpInput, ''),
    'graphite plaintext': () => inputDecoder(graphiteInput, GRAPHITE),
    'graphite pickle': pickleDecoder,
    'opentsdb telnet and JSON': () => inputDecoder(opentsdbInput, ''),
    'opentsdb gzip': gzipDecoder,
    'collectd plain': () => inputDecoder(collectdInput, collectdToml),
    'collectd signed and encrypted': () =>
      inputDecoder(collectdInput, `${collectdToml}\nsecurity-level = "sign"`),
    'prometheus write': () => prometheusDecoder('write', {}),
    'prometheus write 2.0': () =>
      prometheusDecoder('write', {
        'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      }),
    'prometheus read': () => prometheusDecoder('read', {}),
  };
}

const GRAPHITE = `templates = ["a.* host.measurement*", "stats.*.* .host.measurement.field*", "measurement*"]
max-line-length = 2048`;

function inputDecoder(definition: InputDefinition, toml: string): BareDecoder {
  // What is rejected is not kept: it would be counted as the decoder's memory.
  const rejects = { reject: () => undefined };
  const batches = 'batch-size = 1000\nbatch-pending = 100000';
  const make = () => {
    const sink = new MemorySink();
    sink.areLinesKept = false;
    return benchInput(definition, `${toml}\n${batches}`, { rejects, sink });
  };
  let bench = make();
  return {
    feed: (bytes) => bench.input.replay?.(bytes, PEER),
    async settle() {
      await bench.input.close();
      const books = bench.input.ledger.snapshot();
      bench = make();
      return books;
    },
  };
}

function pickleDecoder(): BareDecoder {
  let ledger = new IngestLedger('pickle', new SystemClock());
  const handler = {
    onPoint: () => {
      ledger.receive(1);
      ledger.store(1);
    },
    onReject: () => {
      ledger.receive(1);
      ledger.refuse(1, 'bad pickle');
    },
    onBroken: () => undefined,
  };
  const length = Buffer.alloc(4);
  return {
    feed(bytes) {
      const reader = new PickleReader(2 ** 20, handler);
      length.writeUInt32BE(bytes.length);
      reader.push(length);
      reader.push(bytes);
      reader.end();
    },
    settle() {
      const books = ledger.snapshot();
      ledger = new IngestLedger('pickle', new SystemClock());
      return Promise.resolve(books);
    },
  };
}

function gzipDecoder(): BareDecoder {
  const json = inputDecoder(opentsdbInput, '');
  return {
    async feed(bytes) {
      const source = Object.assign(Readable.from([Buffer.from(bytes)]), {
        headers: { 'content-encoding': 'gzip' },
        complete: true,
      });
      const request = source as unknown as IncomingMessage;
      const body = await readBody(request, GUNZIPPED_BYTES_MAX, () => true);
      await json.feed(body);
    },
    settle: () => json.settle(),
  };
}

function prometheusDecoder(
  kind: 'write' | 'read',
  headers: Readonly<Record<string, string>>,
): BareDecoder {
  const { config } = loadConfig({ section: prometheusSection }, '', {});
  const make = async (): Promise<PrometheusService> => {
    const sink = new MemorySink();
    sink.areLinesKept = false;
    await sink.ensureDatabase('db');
    return new PrometheusService({
      config: config.section,
      sink,
      reader: {
        hasDatabase: () => true,
        hasRetentionPolicy: () => true,
        view: () => ({
          shards: [],
          measurementNames: () => ['up'],
          tagKeys: () => [],
          series: () => ({
            count: 0,
            ids: new Int32Array(0),
            tagValueIds: () => new Int32Array(0),
            tagValueOf: () => '',
          }),
          close: () => undefined,
        }),
      },
      shapes: new ShapeTable(),
      clock: new SystemClock(),
    });
  };
  let service: PrometheusService | null = null;
  const { signal } = new AbortController();
  return {
    async feed(body) {
      service ??= await make();
      const request: PrometheusRequest = {
        parameter: (name) => (name === 'db' ? 'db' : ''),
        header: (name) => headers[name],
        body,
        signal,
        peer: PEER,
        authorize: () => undefined,
        count: () => undefined,
      };
      const { body: answer } = await service[kind](request);
      if (typeof answer !== 'object' || answer instanceof Uint8Array) return;
      for await (const _piece of answer) continue;
    },
    settle() {
      const books = service?.ledger.snapshot() ?? null;
      service = null;
      return Promise.resolve(books);
    },
  };
}
