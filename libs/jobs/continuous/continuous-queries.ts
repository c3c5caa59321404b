/**
 * Runs continuous queries: looks which are due, computes their windows through SELECT INTO, and remembers durably what was
 * run and which windows are missing, so that a downtime or a failure leaves no hole. Knows no timer:
 * {@link ContinuousQueries.run} is called with the time.
 * @see InfluxDB services/continuous_querier/service.go
 */
import { type Clock, type Logger, messageOf } from '#kernel';
import type { SelectStatement } from '#influxql';
import type { ContinuousQuery, MetaClient } from '#meta';
import { type CqDefinition, definitionOf, selectOver } from './definition.js';
import type { LatePoints } from './late-points.js';
import { markKey } from './late-points.js';
import { addGap, type CqGap, type CqState, isUnseen, removeRange } from './ledger.js';
import { dueRun, everyOf, gridStart, nextStartNs, windowStartNs } from './schedule.js';
import type { CqStates } from './states.js';

/** Executes SELECT INTO. */
export interface SelectIntoExecutor {
  /**
   * Resolves with the number of points written.
   * @throws TidegateError with the statement's error text
   */
  selectInto(select: SelectStatement, database: string, signal: AbortSignal): Promise<number>;
}

/** One run, for `query-stats-enabled`. */
export interface CqRun {
  readonly database: string;
  readonly name: string;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly durationNs: bigint;
  readonly pointsWritten: number;
}

/** Takes notes of runs. */
export interface CqRunRecorder {
  /** Must not throw. */
  record(run: CqRun, nowNs: bigint): Promise<void>;
}

/** What continuous queries stand on. */
export interface ContinuousQueriesParts {
  readonly meta: Pick<MetaClient, 'snapshot'>;
  readonly states: CqStates;
  readonly executor: SelectIntoExecutor;
  readonly late: LatePoints;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Null unless `query-stats-enabled`. */
  readonly recorder: CqRunRecorder | null;
  /** `log-enabled` */
  readonly isLogEnabled: boolean;
  /** `recompute-late-points` */
  readonly areLatePointsRecomputed: boolean;
}

/** Counters with InfluxDB's names (`cq`), and ours. */
export interface CqStatistics {
  queryOk: number;
  queryFail: number;
  /** Windows that were due and had not been run in their time: after a downtime or a failure. */
  windowsCaughtUp: number;
  /** Spans of windows that got points behind their run. */
  lateMarks: number;
  /** Windows that were not computed because their retention policy would not keep the result any more. */
  windowsExpired: number;
}

/** A definition that cannot run, for SHOW CQ GAPS. */
export interface CqFault {
  readonly database: string;
  readonly name: string;
  readonly error: string;
}

/** Windows that one SELECT computes. */
const WINDOWS_PER_SELECT = 1000n;
/** SELECTs of one query in one pass; what is left waits for the next. */
const SELECTS_PER_PASS = 10;
/** A failed query is tried again after so long, then twice as long and so on, up to the maximum. */
const RETRY_FIRST_NS = 10_000_000_000n;
const RETRY_MAX_NS = 600_000_000_000n;

/** The work of `[continuous_queries]`. */
export class ContinuousQueries {
  readonly statistics: CqStatistics = {
    queryOk: 0,
    queryFail: 0,
    windowsCaughtUp: 0,
    lateMarks: 0,
    windowsExpired: 0,
  };
  /** By key of the query: its definition as parsed, and until when a faulty one is not counted again. */
  private readonly parsed = new Map<
    string,
    { readonly text: string; readonly definition: CqDefinition | null; readonly error: string }
  >();

  constructor(private readonly parts: ContinuousQueriesParts) {}

  /** Reads what is remembered, and watches from now on for points that come late. */
  async open(): Promise<void> {
    const { meta, states } = this.parts;
    await states.load();
    for (const database of meta.snapshot.data.databases)
      for (const query of database.continuousQueries) this.definition(database.name, query);
    this.watchLatePoints();
  }

  /** Makes durable what was noticed since the last pass. After the last write, and when no pass runs. */
  async close(): Promise<void> {
    this.takeLatePoints();
    await this.save();
  }

  /** One pass over all queries. Failures are logged, counted and tried again. Not to be called while it runs. */
  async run(nowNs: bigint, signal: AbortSignal): Promise<void> {
    const { meta, states } = this.parts;
    const { databases } = meta.snapshot.data;
    if (!databases.some(({ continuousQueries }) => continuousQueries.length > 0)) {
      if (states.size === 0) return;
    }
    await states.load();
    this.takeLatePoints();
    const present = new Set<string>();
    for (const database of databases) {
      for (const query of database.continuousQueries) {
        present.add(markKey(database.name, query.name));
        if (signal.aborted) continue;
        const definition = this.definition(database.name, query);
        if (definition !== null) await this.runQuery(definition, nowNs, signal);
      }
    }
    states.keepOnly(present);
    for (const key of this.parsed.keys()) if (!present.has(key)) this.parsed.delete(key);
    this.watchLatePoints();
    await this.save();
  }

  private async save(): Promise<void> {
    try {
      await this.parts.states.save();
    } catch (error) {
      // What is in memory stays true; the next pass saves it.
      this.parts.logger.error('Last runs of continuous queries could not be saved', {
        error: messageOf(error),
      });
    }
  }

  /** Definitions that cannot run. */
  faults(): readonly CqFault[] {
    return [...this.parsed].flatMap(([key, { error }]) => {
      const [database = '', name = ''] = key.split('\u001f');
      return error === '' ? [] : [{ database, name, error }];
    });
  }

  private definition(database: string, query: ContinuousQuery): CqDefinition | null {
    const key = markKey(database, query.name);
    const known = this.parsed.get(key);
    if (known?.text === query.query) return known.definition;
    let definition: CqDefinition | null = null;
    let error = '';
    try {
      definition = definitionOf(database, query);
    } catch (thrown) {
      // It stays as it is until somebody changes it: once is enough, where InfluxDB says it at every look.
      error = messageOf(thrown);
      this.statistics.queryFail++;
      this.parts.logger.warn('Error executing query', { query: query.query, error });
    }
    this.parsed.set(key, { text: query.query, definition, error });
    return definition;
  }

  private async runQuery(
    definition: CqDefinition,
    nowNs: bigint,
    signal: AbortSignal,
  ): Promise<void> {
    const { states, late } = this.parts;
    const key = markKey(definition.database, definition.name);
    const known = states.get(key);
    let state = known?.text === definition.text ? setBack(known, definition, nowNs) : null;
    const due = dueRun(definition, state, nowNs);
    if (due !== null) {
      const { lastRunNs, finalToNs, endNs } = due;
      const aheadToNs = state?.aheadToNs ?? null;
      const startNs = aheadToNs !== null && due.startNs < aheadToNs ? aheadToNs : due.startNs;
      const gap: CqGap = {
        startNs,
        endNs,
        reason: 'pending',
        error: '',
        attempts: 0,
        retryAtNs: nowNs,
      };
      state = {
        text: definition.text,
        lastRunNs,
        finalToNs,
        aheadToNs: aheadToNs !== null && finalToNs >= aheadToNs ? null : aheadToNs,
        gaps: addGap(state?.gaps ?? [], gap),
      };
    }
    if (state === null) return;
    // Before its SELECT: points that another query writes first are not late, those that come behind it are.
    if (due !== null) late.raise(definition, lateThresholdNs(definition, state));
    if (state.gaps.length > 0) state = await this.workOff(definition, state, nowNs, signal);
    if (state !== known) states.set(key, state);
  }

  /** Computes what is missing, the latest first, within this pass' budget. */
  private async workOff(
    definition: CqDefinition,
    before: CqState,
    nowNs: bigint,
    signal: AbortSignal,
  ): Promise<CqState> {
    let state = this.withoutExpired(definition, before, nowNs);
    for (let selects = 0; selects < SELECTS_PER_PASS && !signal.aborted; selects++) {
      const gap = state.gaps.findLast((candidate) => this.isWorkable(candidate, nowNs));
      if (gap === undefined) break;
      const piece = { startNs: pieceStart(definition, gap), endNs: gap.endNs };
      const error = await this.compute(definition, piece, nowNs, signal);
      if (error === null) {
        this.countCaughtUp(definition, gap, piece.startNs, nowNs);
        state = { ...state, gaps: removeRange(state.gaps, piece) };
      } else if (!signal.aborted) {
        // The rest would fail likewise.
        state = { ...state, gaps: failed(state.gaps, gap, error, nowNs) };
        break;
      }
    }
    return state;
  }

  private isWorkable(gap: CqGap, nowNs: bigint): boolean {
    if (gap.retryAtNs > nowNs) return false;
    if (gap.reason === 'early') return gap.endNs <= nowNs;
    return gap.reason !== 'late points' || this.parts.areLatePointsRecomputed;
  }

  /** Runs one SELECT. Null when it was done, else the error's text. */
  private async compute(
    definition: CqDefinition,
    { startNs, endNs }: { readonly startNs: bigint; readonly endNs: bigint },
    nowNs: bigint,
    signal: AbortSignal,
  ): Promise<string | null> {
    const { executor, logger, clock, recorder, isLogEnabled } = this.parts;
    const { database, name } = definition;
    const fields = {
      name,
      db_instance: database,
      start: new Date(Number(startNs / 1_000_000n)).toISOString(),
      end: new Date(Number(endNs / 1_000_000n)).toISOString(),
    };
    if (isLogEnabled) logger.info('Executing continuous query', fields);
    const startedMs = clock.monotonicMs();
    let pointsWritten: number;
    try {
      const select = selectOver(definition, startNs, endNs);
      pointsWritten = await executor.selectInto(select, database, signal);
    } catch (error) {
      if (!signal.aborted) {
        this.statistics.queryFail++;
        logger.warn('Error executing query', { ...fields, error: messageOf(error) });
      }
      return messageOf(error);
    }
    this.statistics.queryOk++;
    const durationMs = clock.monotonicMs() - startedMs;
    if (isLogEnabled)
      logger.info('Finished continuous query', { ...fields, written: pointsWritten, durationMs });
    const durationNs = BigInt(Math.round(durationMs * 1e6));
    await recorder?.record({ database, name, startNs, endNs, durationNs, pointsWritten }, nowNs);
    return null;
  }

  /** Drops windows whose result the target's policy would refuse. */
  private withoutExpired(definition: CqDefinition, state: CqState, nowNs: bigint): CqState {
    const { into } = definition.select;
    const { meta } = this.parts;
    const target = meta.snapshot.retentionPolicy(
      into?.database || definition.database,
      into?.retentionPolicy ?? '',
    );
    if (target === undefined || target.policy.durationNs === 0n) return state;
    const oldestNs = nowNs - target.policy.durationNs;
    const firstNs = windowStartNs(definition, oldestNs - 1n) + definition.intervalNs;
    const first = state.gaps[0];
    if (first === undefined || first.startNs >= firstNs) return state;
    for (const { startNs, endNs } of state.gaps) {
      const untilNs = endNs < firstNs ? endNs : firstNs;
      if (startNs < untilNs)
        this.statistics.windowsExpired += Number((untilNs - startNs) / definition.intervalNs);
    }
    const range = { startNs: first.startNs, endNs: firstNs };
    return { ...state, gaps: removeRange(state.gaps, range) };
  }

  /** Counts the windows of a gap that should have been run before. */
  private countCaughtUp(
    definition: CqDefinition,
    gap: CqGap,
    startNs: bigint,
    nowNs: bigint,
  ): void {
    const everyNs = everyOf(definition);
    const isFresh = gap.reason === 'pending' && gap.endNs + everyNs > nowNs;
    const windows = (gap.endNs - startNs) / definition.intervalNs;
    const usual = (definition.forNs || everyNs) / definition.intervalNs + 1n;
    if (!isFresh) this.statistics.windowsCaughtUp += Number(windows);
    else if (windows > usual) this.statistics.windowsCaughtUp += Number(windows - usual);
  }

  private takeLatePoints(): void {
    const { states, late } = this.parts;
    for (const [key, marks] of late.take()) {
      let state = states.get(key);
      if (state === undefined) continue;
      this.statistics.lateMarks += marks.length;
      for (const { startNs, endNs, isEarly } of marks) {
        const reason = isEarly ? 'early' : 'late points';
        const gap: CqGap = { startNs, endNs, reason, error: '', attempts: 0, retryAtNs: 0n };
        state = { ...state, gaps: addGap(state.gaps, gap) };
      }
      states.set(key, state);
    }
  }

  private watchLatePoints(): void {
    const { states, late, meta } = this.parts;
    const queries = [...this.parsed].flatMap(([key, { definition }]) => {
      const state = states.get(key);
      if (definition === null || state?.text !== definition.text) return [];
      return [{ definition, thresholdNs: lateThresholdNs(definition, state) }];
    });
    // Points that came while the pass ran, to windows that it had computed before.
    this.takeLatePoints();
    late.watch(
      queries,
      (database) => meta.snapshot.database(database)?.defaultRetentionPolicy ?? '',
    );
  }
}

/**
 * The state where the clock has been set back behind the last run, else the same: the query is due again when the clock says
 * so, and windows that were computed already are left alone unless points come for them.
 */
function setBack(state: CqState, definition: CqDefinition, nowNs: bigint): CqState {
  if (state.lastRunNs <= nowNs + everyOf(definition)) return state;
  const finalToNs = windowStartNs(definition, nowNs);
  const undone = state.gaps.find((gap) => !isUnseen(gap.reason) && gap.endNs > finalToNs);
  const aheadNs =
    undone === undefined || undone.startNs > state.finalToNs ? state.finalToNs : undone.startNs;
  const aheadToNs =
    state.aheadToNs !== null && state.aheadToNs > aheadNs ? state.aheadToNs : aheadNs;
  return {
    ...state,
    lastRunNs: gridStart(nowNs, everyOf(definition), definition),
    finalToNs,
    aheadToNs: aheadToNs > finalToNs ? aheadToNs : null,
    // Windows that have not ended are not due any more; that points came for them stays true.
    gaps: state.gaps.flatMap((gap) =>
      isUnseen(gap.reason) ? [gap] : removeRange([gap], { startNs: finalToNs, endNs: 2n ** 63n }),
    ),
  };
}

/** Points before it are not seen by any run to come unless their window is computed again. */
function lateThresholdNs(definition: CqDefinition, state: CqState): bigint {
  const nextNs = nextStartNs(definition, state);
  return state.aheadToNs !== null && state.aheadToNs > nextNs ? state.aheadToNs : nextNs;
}

/** Where the last piece of a gap starts that one SELECT may compute. */
function pieceStart(definition: CqDefinition, { startNs, endNs }: CqGap): bigint {
  const wantedNs = windowStartNs(definition, endNs - WINDOWS_PER_SELECT * definition.intervalNs);
  return wantedNs > startNs ? wantedNs : startNs;
}

/** The gaps with one marked as failed. */
function failed(
  gaps: readonly CqGap[],
  gap: CqGap,
  error: string,
  nowNs: bigint,
): readonly CqGap[] {
  const attempts = gap.attempts + 1;
  const waitNs = RETRY_FIRST_NS << BigInt(Math.min(attempts - 1, 10));
  const retryAtNs = nowNs + (waitNs < RETRY_MAX_NS ? waitNs : RETRY_MAX_NS);
  const rest = removeRange(gaps, gap);
  return addGap(rest, { ...gap, reason: 'failed', error, attempts, retryAtNs });
}
