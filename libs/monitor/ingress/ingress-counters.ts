/**
 * What is written by measurement and by login, where the configuration asks for it: the part `ingress` of the statistics, with the names
 * that InfluxDB has from 1.8 on. Costs nothing while neither is asked for.
 * @see InfluxDB tsdb/store.go statsTracker, tsdb/ingress_metrics.go
 */
import type { AcceptedRows, WriteListener, WriteRequest } from '#coordinator';
import type { PointSource } from '#models';
import type { SeriesIndex } from '#series-index';
import type { MadeSeries, Store } from '#tsdb';
import type { Statistics } from '../statistics.js';

/** What is told apart. */
export interface IngressConfig {
  /** `ingress-metric-by-measurement-enabled` */
  readonly isIngressByMeasurementCounted: boolean;
  /** `ingress-metric-by-login-enabled` */
  readonly isIngressByLoginCounted: boolean;
}

/** Counters that are kept apart; what comes beyond is counted together, as `other`. */
export const INGRESS_COUNTERS_MAX = 10_000;
const OTHER = 'other';

/** InfluxDB's names for who writes without logging in, by kind of listener. */
const SYSTEM_USERS: Readonly<Record<string, string>> = {
  udp: '_systemuser_udpwriter',
  graphite: '_systemuser_graphite',
  collectd: '_systemuser_collectd',
  opentsdb: '_systemuser_opentsdb',
  into: '_systemuser_selectinto',
  monitor: '_systemuser_monitor',
};
const UNKNOWN_USER = '_systemuser_unknown';
/** Listeners whose peers are `user@address` where somebody has logged in. */
const LISTENERS_WITH_USERS = new Set(['http', 'prometheus']);

interface Counter {
  readonly tags: Readonly<Record<string, string>>;
  points: number;
  values: number;
  series: number;
}

/** See the header. */
export class IngressCounters implements WriteListener {
  /** By the values of their tags. */
  private readonly counters = new Map<string, Counter>();
  private readonly isEnabled: boolean;

  constructor(
    private readonly config: IngressConfig,
    private readonly store: Pick<Store, 'index'>,
  ) {
    this.isEnabled = config.isIngressByMeasurementCounted || config.isIngressByLoginCounted;
  }

  stored({ database, batch }: WriteRequest, policy: string, accepted: AcceptedRows): void {
    if (!this.isEnabled) return;
    const index = this.store.index(database);
    const { measurementIdOf } = index;
    for (const { group, from, to } of accepted.runs()) {
      const { seriesIds, pointNumbers, shape } = group;
      let start = from;
      let measurementId = -1;
      let source: PointSource | null = null;
      const count = (end: number): void => {
        if (source === null || end === start) return;
        const counter = this.counterOf(database, policy, nameOf(index, measurementId), source);
        counter.points += end - start;
        counter.values += (end - start) * shape.fieldCount;
      };
      for (let row = from; row < to; row++) {
        const id = measurementIdOf[seriesIds[row]];
        const from = batch.sourceOf(pointNumbers[row]);
        if (id === measurementId && from === source) continue;
        count(row);
        start = row;
        measurementId = id;
        source = from;
      }
      count(to);
    }
  }

  /** Counts a new series. */
  made({ database, retentionPolicy, index, seriesId, source }: MadeSeries): void {
    if (!this.isEnabled) return;
    const measurement = nameOf(index, index.measurementIdOf[seriesId]);
    this.counterOf(database, retentionPolicy, measurement, source).series++;
  }

  /** The part `ingress`, in InfluxDB's order. */
  collect(): readonly Statistics[] {
    return [...this.counters.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { tags, points, values, series }]) => ({
        name: 'ingress',
        tags,
        values: { pointsWritten: points, valuesWritten: values, seriesCreated: series },
      }));
  }

  private counterOf(db: string, rp: string, measurement: string, source: PointSource): Counter {
    const { isIngressByMeasurementCounted, isIngressByLoginCounted } = this.config;
    const tags = {
      ...(isIngressByMeasurementCounted && { db, rp, measurement }),
      ...(isIngressByLoginCounted && { login: loginOf(source) }),
    };
    const key = Object.values(tags).join('\0');
    const known = this.counters.get(key);
    if (known !== undefined) return known;
    const counter = { tags, points: 0, values: 0, series: 0 };
    if (this.counters.size < INGRESS_COUNTERS_MAX) {
      this.counters.set(key, counter);
      return counter;
    }
    const others = Object.fromEntries(Object.keys(tags).map((tag) => [tag, OTHER]));
    const other = this.counters.get(OTHER) ?? { ...counter, tags: others };
    this.counters.set(OTHER, other);
    return other;
  }
}

const nameOf = (index: SeriesIndex, measurementId: number): string =>
  index.measurements[measurementId]?.name ?? '';

/** Who has logged in, or InfluxDB's name for the listener. */
function loginOf({ listener, peer }: PointSource): string {
  const [kind = ''] = listener.split(' ', 1);
  if (!LISTENERS_WITH_USERS.has(kind)) return SYSTEM_USERS[kind] ?? UNKNOWN_USER;
  const at = peer.lastIndexOf('@');
  return at < 0 ? UNKNOWN_USER : peer.slice(0, at);
}
