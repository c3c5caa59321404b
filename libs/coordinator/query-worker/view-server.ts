/** Answers the calls of one query's workers with what the store says. Parts of a query share views and lists. */
import { invariant } from '#kernel';
import type { StoreReader, StoreView, FoundSeries } from '../storage-view.js';
import type { ViewCallMessage, ViewCallName, ViewCalls } from './calls.js';

/** The views that one query has open. */
export class ViewServer {
  private readonly views: StoreView[] = [];
  private readonly lists: { readonly found: FoundSeries; readonly view: StoreView }[] = [];
  /** Numbers of views and lists by what was asked for. */
  private readonly known = new Map<string, number>();

  constructor(private readonly reader: StoreReader) {}

  /** @throws what the store throws */
  answer({ name, request }: ViewCallMessage): ViewCalls[ViewCallName]['reply'] {
    switch (name) {
      case 'view':
        return this.open(request as ViewCalls['view']['request']);
      case 'measurementNames':
        return this.view(request as ViewCalls['measurementNames']['request']).measurementNames();
      case 'fields':
        return this.fields(request as ViewCalls['fields']['request']);
      case 'tagKeys': {
        const asked = request as ViewCalls['tagKeys']['request'];
        return this.view(asked).tagKeys(asked.measurement);
      }
      case 'series':
        return this.series(request as ViewCalls['series']['request']);
      case 'tagValues': {
        const { list, key } = request as ViewCalls['tagValues']['request'];
        return this.lists[list].found.tagValues(key);
      }
      case 'shard':
        return this.shard(request as ViewCalls['shard']['request']);
      case 'file': {
        const asked = request as ViewCalls['file']['request'];
        const file = this.view(asked).shards[asked.shard].engine().shareFile(asked.number);
        invariant(file !== null, 'a file of a view stays open while the view is');
        return file;
      }
    }
  }

  /** Lets go of the shards. */
  close(): void {
    for (const view of this.views) view.close();
    this.views.length = 0;
  }

  private view({ view }: { readonly view: number }): StoreView {
    return this.views[view];
  }

  private open(source: ViewCalls['view']['request']): ViewCalls['view']['reply'] {
    const { database, retentionPolicy, range } = source;
    const number = this.numberOf(
      JSON.stringify([database, retentionPolicy, `${range.minNs} ${range.maxNs}`]),
      () => this.views.push(this.reader.view(source)) - 1,
    );
    const shards = this.views[number].shards.map(({ id, startNs, endNs }) => ({
      id,
      startNs,
      endNs,
    }));
    return { view: number, shards };
  }

  private fields(request: ViewCalls['fields']['request']): ViewCalls['fields']['reply'] {
    const view = this.view(request);
    const all = view.fields(request.measurement);
    return { all, byShard: view.shards.map((shard) => shard.fields(request.measurement)) };
  }

  private series(request: ViewCalls['series']['request']): ViewCalls['series']['reply'] {
    const { measurement, required } = request;
    const view = this.view(request);
    const list = this.numberOf(
      JSON.stringify([request.view, measurement, required]),
      () => this.lists.push({ found: view.series(measurement, required), view }) - 1,
    );
    const { ids } = this.lists[list].found;
    return { list, ids, keys: view.shareKeys() };
  }

  private shard(request: ViewCalls['shard']['request']): ViewCalls['shard']['reply'] {
    const shard = this.view(request).shards[request.shard];
    const engine = shard.engine().share();
    invariant(engine !== null, 'query workers run over files that threads can share');
    return { engine, series: shard.seriesBits() };
  }

  private numberOf(key: string, make: () => number): number {
    let number = this.known.get(key);
    if (number === undefined) {
      number = make();
      this.known.set(key, number);
    }
    return number;
  }
}
