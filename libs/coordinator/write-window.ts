/**
 * Which times a retention policy takes points for: a window around the server's clock. Outside it a point is a clock gone
 * wrong or a timestamp in another unit more often than data. By default that is counted and logged; where it is refused,
 * no shard group is made for it. Not in InfluxDB 1.x, whose later versions have FUTURE LIMIT and PAST LIMIT.
 */
import { type Clock, formatDurationNs, type Logger, parseDurationNs } from '#kernel';
import { type Precision, precisionNs } from '#models';
import { formatRfc3339 } from '#influxql';
import { CoordinatorError } from './errors.js';

/** What becomes of points outside. */
export type WindowAction = 'warn' | 'refuse' | 'off';

/** A window relative to the clock; null where a side is open. */
interface WindowRule {
  readonly pastNs: bigint | null;
  readonly futureNs: bigint | null;
  readonly action: WindowAction;
}

/** The window of one write, inclusive. */
export interface WriteWindow {
  readonly fromNs: bigint;
  readonly toNs: bigint;
  readonly isRefusing: boolean;
  /** Why a point of this time is not taken, with the unit that was probably meant. */
  reasonFor(timeNs: bigint): string;
}

/** The configuration's part. */
export interface WriteWindowConfig {
  readonly windowAction: WindowAction;
  readonly windowPastMs: number;
  readonly windowFutureMs: number;
  /** Rules of single policies by `database.policy`. */
  readonly windowsByPolicy: Readonly<Record<string, string>>;
}

const MIN_NS = -(2n ** 63n);
const MAX_NS = 2n ** 63n - 1n;
/** What a time probably meant is not before this: 2000-01-01. */
const PLAUSIBLE_FROM_NS = 946_684_800_000_000_000n;
/** And not later than a year ahead. */
const PLAUSIBLE_AHEAD_NS = 31_536_000_000_000_000n;
const HINTED: readonly Precision[] = ['s', 'ms', 'u', 'ns'];
/** One line a minute says how many points there were. */
const LOG_EVERY_MS = 60_000;

/** The windows of all policies. */
export class WriteWindows {
  private readonly standard: WindowRule;
  private readonly rules = new Map<string, WindowRule>();
  private loggedMs = -Infinity;
  private unlogged = 0;

  /** @throws CoordinatorError where a rule cannot be read */
  constructor(
    config: WriteWindowConfig,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    const { windowPastMs, windowFutureMs, windowAction } = config;
    this.standard = {
      pastNs: nsOrOpen(windowPastMs),
      futureNs: nsOrOpen(windowFutureMs),
      action: windowAction,
    };
    for (const [policy, text] of Object.entries(config.windowsByPolicy))
      this.rules.set(policy, parseWindowRule(text, this.standard));
  }

  /** The window of a policy now; null where everything is taken in silence. */
  windowOf(database: string, retentionPolicy: string, precision: Precision): WriteWindow | null {
    const rule = this.rules.get(`${database}.${retentionPolicy}`) ?? this.standard;
    const { action, pastNs, futureNs } = rule;
    if (action === 'off' || (pastNs === null && futureNs === null)) return null;
    const nowNs = this.clock.nowNs();
    return {
      fromNs: pastNs === null ? MIN_NS : nowNs - pastNs,
      toNs: futureNs === null ? MAX_NS : nowNs + futureNs,
      isRefusing: action === 'refuse',
      reasonFor: (timeNs) => `${describe(timeNs, nowNs, rule)}${hint(timeNs, precision, nowNs)}`,
    };
  }

  /**
   * For a number that is no time in its unit: the unit that was probably meant, as `, did you mean precision=ns?`, or ''.
   * Said only where points outside the window are refused, since it changes InfluxDB's text.
   */
  hintFor(database: string, retentionPolicy: string, value: bigint, precision: Precision): string {
    const rule = this.rules.get(`${database}.${retentionPolicy}`) ?? this.standard;
    if (rule.action !== 'refuse') return '';
    return hint(value * BigInt(precisionNs(precision)), precision, this.clock.nowNs());
  }

  /** Says now and then that points outside a window were written, or refused; of one of them the time is named. */
  report(
    points: number,
    place: { readonly database: string; readonly retentionPolicy: string },
    timeNs: bigint,
    window: WriteWindow,
  ): void {
    this.unlogged += points;
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.loggedMs < LOG_EVERY_MS) return;
    this.loggedMs = nowMs;
    this.logger.warn(
      window.isRefusing
        ? 'Points outside the write window refused'
        : 'Points outside the write window',
      {
        db: place.database,
        rp: place.retentionPolicy,
        points: this.unlogged,
        example: window.reasonFor(timeNs),
      },
    );
    this.unlogged = 0;
  }
}

/**
 * Reads a rule such as `past=720h future=1h refuse`; what it leaves out is as for all policies, `0s` opens a side.
 * @throws CoordinatorError
 */
function parseWindowRule(text: string, standard: WindowRule): WindowRule {
  let rule = standard;
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const [, side, duration] = /^(past|future)=(.+)$/.exec(word) ?? [];
    if (word === 'warn' || word === 'refuse' || word === 'off') rule = { ...rule, action: word };
    else if (side !== undefined && duration !== undefined) {
      const ns = parseDurationNs(duration);
      rule = { ...rule, [`${side}Ns`]: ns === 0n ? null : ns };
    } else {
      throw new CoordinatorError(
        'coordinator.bad-write-window',
        `bad write window ${JSON.stringify(text)}: want past=<duration>, future=<duration>, warn, refuse or off`,
      );
    }
  }
  return rule;
}

/** @throws CoordinatorError where a rule cannot be read */
export function checkWindowRule(text: string): void {
  parseWindowRule(text, { pastNs: null, futureNs: null, action: 'warn' });
}

function nsOrOpen(ms: number): bigint | null {
  return ms === 0 ? null : BigInt(Math.round(ms * 1e6));
}

function describe(timeNs: bigint, nowNs: bigint, { pastNs, futureNs }: WindowRule): string {
  const isAhead = timeNs > nowNs;
  const limit = formatDurationNs((isAhead ? futureNs : pastNs) ?? 0n);
  const side = isAhead ? 'ahead of' : 'behind';
  return `point time ${formatRfc3339(timeNs)} is more than ${limit} ${side} the server's clock`;
}

function hint(timeNs: bigint, precision: Precision, nowNs: bigint): string {
  const value = timeNs / BigInt(precisionNs(precision));
  const meant = HINTED.find((unit) => {
    const candidateNs = value * BigInt(precisionNs(unit));
    return (
      unit !== precision &&
      candidateNs >= PLAUSIBLE_FROM_NS &&
      candidateNs <= nowNs + PLAUSIBLE_AHEAD_NS
    );
  });
  return meant === undefined ? '' : `, did you mean precision=${meant}?`;
}
