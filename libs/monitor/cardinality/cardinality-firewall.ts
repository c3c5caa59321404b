/**
 * Keeps new series within budgets. Asked for every series that would be made, never for one that exists. Over budget, the point
 * is refused with a reason that says whose budget it was, or goes to a series whose offending tag is `__overflow__`.
 */
import type { Clock, Logger } from '#kernel';
import { encodeSeriesKey, hashKey, parseSeriesKey, type Tag } from '#models';
import type { SeriesIndex } from '#series-index';
import type { SeriesCandidate } from '#tsdb';
import type { Diagnostics, Statistics } from '../statistics.js';
import type { CardinalityConfig } from './cardinality.config.js';
import { SeriesBudget } from './series-budget.js';
import { TagGrowth } from './tag-growth.js';

/** The value of a tag that was folded. */
export const OVERFLOW = '__overflow__';
/** Who is counted by name; further ones count as `other`. */
export const OFFENDERS_MAX = 200;
/** Source of the stored statistics. */
const EXEMPT = 'monitor';
const PERIOD_MS = 60_000;
/** Lines logged in one minute. */
const LOG_LINES_MAX = 5;

/** Points that were kept from making series. */
interface Offence {
  readonly budget: string;
  readonly who: string;
  readonly action: 'refused' | 'folded';
  points: number;
  /** Where it happened last. */
  database: string;
  measurement: string;
  /** The tags folded last, '' for none. */
  tag: string;
}

/** A series' key taken apart, and whose budget it is over. */
interface OverBudget {
  readonly candidate: SeriesCandidate;
  readonly measurement: string;
  readonly tags: readonly Tag[];
  readonly budget: SeriesBudget;
  readonly who: string;
}

/** See the header. */
export class CardinalityFirewall {
  /** True when there is any budget. */
  readonly isLimiting: boolean;
  private readonly byListener: SeriesBudget;
  private readonly byPeer: SeriesBudget;
  private readonly byMeasurement: SeriesBudget;
  private readonly isFolding: boolean;
  private readonly growth = new TagGrowth();
  private readonly offences = new Map<string, Offence>();
  private period = -1;
  private linesLogged = 0;

  constructor(
    config: CardinalityConfig,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private readonly logger: Logger,
  ) {
    this.byListener = new SeriesBudget('listener', config.newSeriesPerListenerMax);
    this.byPeer = new SeriesBudget('peer', config.newSeriesPerPeerMax);
    this.byMeasurement = new SeriesBudget('measurement', config.newSeriesPerMeasurementMax);
    this.isLimiting = this.byListener.max + this.byPeer.max + this.byMeasurement.max > 0;
    this.isFolding = config.overBudget === 'fold';
  }

  /** The key of the series that the point goes to, or why the point is refused. */
  admit(candidate: SeriesCandidate): Uint8Array | string {
    const { database, key, source } = candidate;
    // What the server says of itself is not to be silenced by what others do.
    if (source.listener === EXEMPT) return key;
    this.turn();
    const { measurement, tags } = parseSeriesKey(key);
    const place = `${database}.${measurement}`;
    if (this.isFolding) this.growth.note(place, tags);
    const all: readonly (readonly [SeriesBudget, string])[] = [
      [this.byListener, source.listener],
      [this.byPeer, source.peer],
      [this.byMeasurement, place],
    ];
    // Whoever is not known has no budget of his own: the others hold.
    const accounts = all.filter(([, who]) => who !== '');
    const over = accounts.find(([budget, who]) => budget.isSpent(who));
    if (over === undefined) {
      for (const [budget, who] of accounts) budget.spend(who);
      return key;
    }
    const [budget, who] = over;
    const excess: OverBudget = { candidate, measurement, tags, budget, who };
    const folded = this.isFolding ? this.fold(excess, place) : null;
    if (folded === null) {
      this.count(excess, 'refused', '');
      return `new series refused: ${budget.name} "${who}" is over its budget of ${budget.max} new series a minute`;
    }
    this.count(excess, 'folded', folded.tag);
    return folded.key;
  }

  /** Points over budget, by whose and what became of them. */
  collect(): readonly Statistics[] {
    return [...this.offences.values()].map(({ budget, who, action, points }) => ({
      name: 'cardinality',
      tags: { action, budget, who },
      values: { points },
    }));
  }

  /** What was kept out, with the last place. */
  diagnostics(): readonly Diagnostics[] {
    if (!this.isLimiting) return [];
    const columns = [
      'budget',
      'who',
      'action',
      'points',
      'database',
      'measurement',
      'tag',
    ] as const;
    const rows = [...this.offences.values()].map((offence) =>
      columns.map((column) => offence[column]),
    );
    return [{ name: 'cardinality', columns, rows }];
  }

  /**
   * Folds one tag after another, the fastest growing first, until the series exists or may be made: of folded series there may
   * be as many as of others. The last resort is the one series with all tags folded, of a measurement that exists.
   */
  private fold(excess: OverBudget, place: string): { key: Uint8Array; tag: string } | null {
    const { candidate, measurement, budget, who } = excess;
    const { index } = candidate;
    const tags = [...excess.tags];
    const folded: string[] = [];
    for (const i of this.growth.order(place, tags)) {
      tags[i] = { key: tags[i].key, value: OVERFLOW };
      folded.push(tags[i].key);
      const key = encodeSeriesKey(measurement, tags);
      if (isKnown(index, key) || budget.spendOverflow(who)) return { key, tag: folded.join(',') };
    }
    if (folded.length === 0 || index.measurement(measurement) === undefined) return null;
    return { key: encodeSeriesKey(measurement, tags), tag: folded.join(',') };
  }

  private count(excess: OverBudget, action: Offence['action'], tag: string): void {
    const { budget, candidate, measurement } = excess;
    let { who } = excess;
    let key = `${action}\0${budget.name}\0${who}`;
    if (!this.offences.has(key) && this.offences.size >= OFFENDERS_MAX) {
      who = 'other';
      key = `${action}\0${budget.name}\0${who}`;
    }
    let offence = this.offences.get(key);
    const { database } = candidate;
    if (offence === undefined) {
      offence = { budget: budget.name, who, action, points: 0, database, measurement, tag };
      this.offences.set(key, offence);
    }
    offence.points++;
    offence.database = database;
    offence.measurement = measurement;
    offence.tag = tag;
    if (this.linesLogged >= LOG_LINES_MAX) return;
    this.linesLogged++;
    this.logger.warn('New series are over their budget', {
      budget: budget.name,
      who: excess.who,
      max: budget.max,
      action,
      db: database,
      measurement,
      ...(tag !== '' && { tag }),
    });
  }

  /** Begins a new minute where it is time. */
  private turn(): void {
    const period = Math.floor(this.clock.monotonicMs() / PERIOD_MS);
    if (period === this.period) return;
    this.period = period;
    this.linesLogged = 0;
    this.growth.turn();
    for (const budget of [this.byListener, this.byPeer, this.byMeasurement]) budget.reset();
  }
}

const isKnown = (index: SeriesIndex, key: Uint8Array): boolean =>
  index.find(key, 0, key.length, hashKey(key, 0, key.length)) >= 0;
