/**
 * Notices points that come behind the run of a continuous query that should have seen them, as writes are passed on by the
 * PointsWriter. Costs a comparison per row, and only in retention policies that a continuous query reads.
 */
import type { WriteListener, WriteRequest } from '#coordinator';
import { compileRegex, walkSources } from '#influxql';
import type { Clock } from '#kernel';
import { highWord, int64Compare, int64ToBigInt, lowWord, type PointsGroup } from '#models';
import { type CqFlow, flowsToIgnore } from './circles.js';
import type { CqDefinition } from './definition.js';
import { windowStartNs } from './schedule.js';

/** A span of windows that got points behind their run. */
export interface LateMark {
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** True where the windows had not ended when the points came: they were computed too early. */
  readonly isEarly: boolean;
}

/** Names of stored series, for rows that carry an id only. */
export interface MeasurementNames {
  measurementOf(database: string, seriesId: number): string;
}

/** Spans kept of one query between two looks; beyond, the last one of its kind is widened. */
const MARKS_MAX = 64;

/** One query watched. */
interface Watch {
  readonly definition: CqDefinition;
  /** Points before it are late. */
  thresholdLo: number;
  thresholdHi: number;
  readonly isSource: (measurement: string) => boolean;
  readonly marks: LateMark[];
  /** The window marked last, as words: rows of one window cost two comparisons. */
  startLo: number;
  startHi: number;
  endLo: number;
  endHi: number;
}

/** See the header. */
export class LatePoints implements WriteListener {
  /** By database and policy. */
  private watches = new Map<string, Watch[]>();
  /** What was watched last, with which default policies, and where it reads: it seldom changes. */
  private lastWatched: {
    readonly definitions: readonly CqDefinition[];
    readonly policies: string;
    readonly sources: readonly CqFlow['sources'][];
  } = { definitions: [], policies: '', sources: [] };

  private readonly databases = new WeakMap<CqDefinition, readonly string[]>();

  constructor(
    private readonly names: MeasurementNames,
    private readonly clock: Pick<Clock, 'nowNs'>,
  ) {}

  /** Watches these queries from now on, with the time before which points are late. Marks not taken yet are lost. */
  watch(
    queries: readonly { readonly definition: CqDefinition; readonly thresholdNs: bigint }[],
    defaultPolicyOf: (database: string) => string,
  ): void {
    this.watches = new Map();
    const sources = this.sourcesOf(
      queries.map(({ definition }) => definition),
      defaultPolicyOf,
    );
    for (const [i, { definition, thresholdNs }] of queries.entries()) {
      for (const [place, isSource] of sources[i]) {
        const list = this.watches.get(place) ?? [];
        this.watches.set(place, list);
        list.push({
          definition,
          thresholdLo: lowWord(thresholdNs),
          thresholdHi: highWord(thresholdNs),
          isSource,
          marks: [],
          startLo: 0,
          startHi: 0,
          endLo: 0,
          endHi: 0,
        });
      }
    }
  }

  /** Moves the time before which points are late for a query: what it reads from now on was not there in its run. */
  raise({ database, name }: CqDefinition, thresholdNs: bigint): void {
    for (const list of this.watches.values()) {
      for (const watch of list) {
        if (watch.definition.database !== database || watch.definition.name !== name) continue;
        watch.thresholdLo = lowWord(thresholdNs);
        watch.thresholdHi = highWord(thresholdNs);
      }
    }
  }

  /** What was marked since the last call, by {@link markKey}. */
  take(): ReadonlyMap<string, readonly LateMark[]> {
    const taken = new Map<string, LateMark[]>();
    for (const list of this.watches.values()) {
      for (const watch of list) {
        if (watch.marks.length === 0) continue;
        const key = markKey(watch.definition.database, watch.definition.name);
        const marks = taken.get(key) ?? [];
        taken.set(key, marks);
        marks.push(...watch.marks.splice(0));
        watch.startLo = watch.startHi = watch.endLo = watch.endHi = 0;
      }
    }
    return taken;
  }

  /** Where each query reads what it is watched over; see {@link watchedSources}. */
  private sourcesOf(
    definitions: readonly CqDefinition[],
    defaultPolicyOf: (database: string) => string,
  ): readonly CqFlow['sources'][] {
    const policies = definitions
      .flatMap((definition) => this.databasesOf(definition))
      .map(defaultPolicyOf)
      .join('\u001f');
    const last = this.lastWatched;
    const isSame =
      last.policies === policies &&
      last.definitions.length === definitions.length &&
      last.definitions.every((definition, i) => definition === definitions[i]);
    if (isSame) return last.sources;
    const sources = watchedSources(
      definitions.map((definition) => flowOf(definition, defaultPolicyOf)),
    );
    this.lastWatched = { definitions, policies, sources };
    return sources;
  }

  /** Databases that a query names, its own first. */
  private databasesOf(definition: CqDefinition): readonly string[] {
    const known = this.databases.get(definition);
    if (known !== undefined) return known;
    const { database, select } = definition;
    const names = [database, select.into?.database ?? ''];
    walkSources(select.sources, (source) => {
      if (source.kind === 'measurement') names.push(source.database);
    });
    this.databases.set(definition, names);
    return names;
  }

  stored({ database, batch }: WriteRequest, retentionPolicy: string): void {
    if (this.watches.size === 0) return;
    const list = this.watches.get(placeKey(database, retentionPolicy));
    if (list === undefined) return;
    for (const watch of list) for (const group of batch.groups) this.lookAt(watch, group, database);
  }

  private lookAt(watch: Watch, group: PointsGroup, database: string): void {
    const { times, rows, seriesIds } = group;
    const { thresholdLo, thresholdHi } = watch;
    for (let row = 0; row < rows; row++) {
      const lo = times[2 * row];
      const hi = times[2 * row + 1];
      if (int64Compare(lo, hi, thresholdLo, thresholdHi) >= 0 || seriesIds[row] < 0) continue;
      if (
        int64Compare(lo, hi, watch.startLo, watch.startHi) >= 0 &&
        int64Compare(lo, hi, watch.endLo, watch.endHi) < 0
      )
        continue;
      if (watch.isSource(this.names.measurementOf(database, seriesIds[row])))
        this.mark(watch, int64ToBigInt(lo, hi));
    }
  }

  private mark(watch: Watch, timeNs: bigint): void {
    const { definition, marks } = watch;
    const startNs = windowStartNs(definition, timeNs);
    const endNs = windowEndNs(definition, startNs);
    watch.startLo = lowWord(startNs);
    watch.startHi = highWord(startNs);
    watch.endLo = lowWord(endNs);
    watch.endHi = highWord(endNs);
    const isEarly = endNs > this.clock.nowNs();
    const known = marks.some(
      (mark) => mark.isEarly === isEarly && mark.startNs <= startNs && mark.endNs >= endNs,
    );
    if (known) return;
    const widest =
      marks.length < MARKS_MAX ? -1 : marks.findLastIndex((mark) => mark.isEarly === isEarly);
    if (widest < 0) marks.push({ startNs, endNs, isEarly });
    else {
      const mark = marks[widest];
      marks[widest] = {
        startNs: startNs < mark.startNs ? startNs : mark.startNs,
        endNs: endNs > mark.endNs ? endNs : mark.endNs,
        isEarly,
      };
    }
  }
}

/** End of the window that starts at a time; around a change of clocks it is not a whole interval away. */
function windowEndNs(definition: CqDefinition, startNs: bigint): bigint {
  const { intervalNs, zone } = definition;
  const changeNs = zone.offsetNs(startNs) - zone.offsetNs(startNs + intervalNs);
  return changeNs !== 0n && changeNs < intervalNs && -changeNs < intervalNs
    ? startNs + intervalNs + changeNs
    : startNs + intervalNs;
}

/** Key of a query in {@link LatePoints.take}. */
export function markKey(database: string, name: string): string {
  return `${database}\u001f${name}`;
}

function placeKey(database: string, retentionPolicy: string): string {
  return `${database}\u001f${retentionPolicy}`;
}

/** Where a query reads and writes. */
function flowOf(
  { select, database }: CqDefinition,
  defaultPolicyOf: (database: string) => string,
): CqFlow {
  const found = new Map<string, ((measurement: string) => boolean)[]>();
  const placeOf = (named: {
    readonly database: string;
    readonly retentionPolicy: string;
  }): string => {
    const inDatabase = named.database || database;
    return placeKey(inDatabase, named.retentionPolicy || defaultPolicyOf(inDatabase));
  };
  walkSources(select.sources, (source) => {
    if (source.kind !== 'measurement') return;
    const place = placeOf(source);
    const list = found.get(place) ?? [];
    found.set(place, list);
    if (source.regex === null) list.push((name) => name === source.name);
    else {
      const matcher = compileRegex(source.regex);
      list.push(matcher);
    }
  });
  const sources = new Map<string, (measurement: string) => boolean>();
  for (const [place, list] of found)
    sources.set(place, (name) => list.some((matches) => matches(name)));
  const { into } = select;
  return {
    sources,
    targetPlace: into === null ? '' : placeOf(into),
    targetName: into?.name ?? '',
  };
}

/**
 * What queries are watched over: their sources without what they write themselves, and without what a later query of their circle
 * writes, which would make their windows late again and again.
 */
function watchedSources(flows: readonly CqFlow[]): readonly CqFlow['sources'][] {
  const ignored = flowsToIgnore(flows);
  return flows.map(({ sources }, i) => {
    const watched = new Map<string, (measurement: string) => boolean>();
    for (const [place, isSource] of sources) {
      const targets = ignored[i].filter(({ targetPlace }) => targetPlace === place);
      // Whoever writes any measurement may write this one.
      if (targets.some(({ targetName }) => targetName === '')) continue;
      const names = new Set(targets.map(({ targetName }) => targetName));
      watched.set(place, (name) => !names.has(name) && isSource(name));
    }
    return watched;
  });
}
