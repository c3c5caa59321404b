/**
 * Stored data as the query engine's port wants it, in a query worker: shards, series and fields by calls to the main thread,
 * points from shared memory and files.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { invariant } from '#kernel';
import { type FieldType, SharedKeyReader } from '#models';
import type {
  SeriesCursor,
  SeriesList,
  SeriesSweep,
  ShardView,
  StorageReader,
  StorageView,
  SweepWant,
  TagRequirement,
  TimeRange,
} from '#query';
import type { EngineView, SharedViewOpener } from '#tsm';
import type {
  RemoteShard,
  ViewCallMessage,
  ViewCallName,
  ViewCalls,
  ViewReplyMessage,
} from './calls.js';
import { receivedError } from './messages.js';

/** Calls are numbered from 1 to this, again and again. */
const NUMBERS_MAX = 2 ** 30;
/** Between two looks for an answer that is told of but not seen. */
const UNSEEN_WAIT_MS = 1;

/** Makes calls and waits for their answers. One a thread. */
export class CallPort {
  /** Number of the last call. */
  private last = 0;

  /** @param replied the number of the last call that was answered */
  constructor(
    private readonly port: MessagePort,
    private readonly replied: Int32Array,
  ) {}

  /** @throws what the main thread threw */
  call<N extends ViewCallName>(
    query: number,
    name: N,
    request: ViewCalls[N]['request'],
  ): ViewCalls[N]['reply'] {
    const { port, replied } = this;
    const number = (this.last = (this.last % NUMBERS_MAX) + 1);
    port.postMessage({ number, query, name, request } satisfies ViewCallMessage);
    for (;;) {
      const answered = Atomics.load(replied, 0);
      if (answered !== number) Atomics.wait(replied, 0, answered);
      const received = receiveMessageOnPort(port) as { message: ViewReplyMessage } | undefined;
      if (received === undefined) {
        // Told of before it can be seen.
        if (answered === number) Atomics.wait(replied, 0, number, UNSEEN_WAIT_MS);
        continue;
      }
      const { message } = received;
      // What belongs to a call that nobody waits for any more.
      if (message.number !== number) continue;
      if ('error' in message) throw receivedError(message.error);
      return message.reply as ViewCalls[N]['reply'];
    }
  }
}

/** What views of one query share. */
interface RemoteParts {
  readonly calls: CallPort;
  readonly opener: SharedViewOpener;
  readonly query: number;
}

/** Opens views for one query. */
export class RemoteReader implements StorageReader {
  constructor(private readonly parts: RemoteParts) {}

  view(source: {
    readonly database: string;
    readonly retentionPolicy: string;
    readonly range: TimeRange;
  }): StorageView {
    const { calls, query } = this.parts;
    const { view, shards } = calls.call(query, 'view', source);
    return new RemoteView(this.parts, view, shards);
  }
}

type Fields = ViewCalls['fields']['reply'];

class RemoteView implements StorageView {
  readonly shards: readonly RemoteShardView[];
  /** Reads keys of all series that were listed. */
  keys: SharedKeyReader | null = null;
  private readonly known = new Map<string, Fields>();

  constructor(
    readonly parts: RemoteParts,
    readonly number: number,
    shards: readonly RemoteShard[],
  ) {
    this.shards = shards.map((shard, i) => new RemoteShardView(this, i, shard));
  }

  call<N extends ViewCallName>(name: N, request: ViewCalls[N]['request']): ViewCalls[N]['reply'] {
    return this.parts.calls.call(this.parts.query, name, request);
  }

  measurementNames(): readonly string[] {
    return this.call('measurementNames', { view: this.number });
  }

  fields(measurement: string): ReadonlyMap<string, readonly FieldType[]> {
    return this.fieldsOf(measurement).all;
  }

  fieldsOf(measurement: string): Fields {
    let fields = this.known.get(measurement);
    if (fields === undefined) {
      fields = this.call('fields', { view: this.number, measurement });
      this.known.set(measurement, fields);
    }
    return fields;
  }

  tagKeys(measurement: string): readonly string[] {
    return this.call('tagKeys', { view: this.number, measurement });
  }

  series(measurement: string, required: readonly TagRequirement[]): SeriesList {
    const { list, ids, keys } = this.call('series', { view: this.number, measurement, required });
    // Each later answer has the keys of those before it too.
    this.keys = new SharedKeyReader(keys);
    return new RemoteSeries(this, list, ids);
  }

  /** The main thread lets go of its views when the query ends. */
  close(): void {
    for (const shard of this.shards) shard.close();
  }
}

const decoder = new TextDecoder();

class RemoteSeries implements SeriesList {
  readonly count: number;
  private readonly tags = new Map<string, ViewCalls['tagValues']['reply']>();

  constructor(
    private readonly view: RemoteView,
    private readonly list: number,
    readonly ids: Int32Array,
  ) {
    this.count = ids.length;
  }

  tagValue(i: number, key: string): string {
    const { valueIds, texts } = this.tag(key);
    return texts.get(valueIds[i]) ?? '';
  }

  tagValueIds(key: string): Int32Array {
    return this.tag(key).valueIds;
  }

  tagValueOf(key: string, valueId: number): string {
    return this.tag(key).texts.get(valueId) ?? '';
  }

  key(i: number): string {
    return decoder.decode(this.view.keys?.bytesOf(this.ids[i]).slice());
  }

  private tag(key: string): ViewCalls['tagValues']['reply'] {
    let values = this.tags.get(key);
    if (values === undefined) {
      values = this.view.call('tagValues', { list: this.list, key });
      this.tags.set(key, values);
    }
    return values;
  }
}

/** A shard of a view; files and caches are opened when first read. */
class RemoteShardView implements ShardView {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  private opened: { readonly engine: EngineView; readonly series: Uint32Array } | null = null;

  constructor(
    private readonly view: RemoteView,
    private readonly place: number,
    { id, startNs, endNs }: RemoteShard,
  ) {
    this.id = id;
    this.startNs = startNs;
    this.endNs = endNs;
  }

  fieldType(measurement: string, field: string): FieldType | null {
    return this.view.fieldsOf(measurement).byShard[this.place].get(field) ?? null;
  }

  hasSeries(seriesId: number): boolean {
    const { series } = this.open();
    const word = seriesId >>> 5;
    return word < series.length && ((series[word] >>> (seriesId & 31)) & 1) === 1;
  }

  cursor(request: {
    readonly seriesId: number;
    readonly measurement: string;
    readonly fields: readonly string[];
    readonly range: TimeRange;
    readonly ascending: boolean;
  }): SeriesCursor {
    const { seriesId, measurement, fields, range, ascending } = request;
    const { keys } = this.view;
    invariant(keys !== null, 'a series is listed before it is read');
    return this.open().engine.cursor({
      seriesId,
      seriesKey: keys.bytesOf(seriesId),
      fields: fields.map((name) => {
        const type = this.fieldType(measurement, name);
        return type === null ? null : { name, type };
      }),
      minNs: range.minNs > this.startNs ? range.minNs : this.startNs,
      maxNs: range.maxNs < this.endNs ? range.maxNs : this.endNs - 1n,
      ascending,
      baseNs: this.startNs,
    });
  }

  sweep(request: {
    readonly seriesIds: Int32Array;
    readonly measurement: string;
    readonly field: string;
    readonly range: TimeRange;
    readonly baseNs: bigint;
    readonly want: SweepWant;
  }): SeriesSweep | null {
    const { seriesIds, measurement, field, range, baseNs, want } = request;
    const { keys } = this.view;
    const type = this.fieldType(measurement, field);
    if (type === null || keys === null) return null;
    const { engine, series } = this.open();
    return engine.sweep({
      seriesIds,
      keys,
      present: series,
      field: { name: field, type },
      minNs: range.minNs,
      maxNs: range.maxNs,
      baseNs,
      want,
    });
  }

  close(): void {
    this.opened?.engine.release();
    this.opened = null;
  }

  private open(): { readonly engine: EngineView; readonly series: Uint32Array } {
    if (this.opened !== null) return this.opened;
    const { view, place } = this;
    const request = { view: view.number, shard: place };
    const { engine, series } = view.call('shard', request);
    const opened = view.parts.opener.open(engine, (number) =>
      view.call('file', { ...request, number }),
    );
    this.opened = { engine: opened, series };
    return this.opened;
  }
}
