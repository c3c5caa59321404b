/**
 * When a continuous query is due and which windows it then computes: arithmetic only. The rules are InfluxDB 1.x's, with two
 * differences that matter after a downtime and for odd combinations of EVERY and GROUP BY: a run starts no later than where
 * the last one left unfinished windows, and a plain query never computes a window twice.
 * @see InfluxDB services/continuous_querier/service.go ExecuteContinuousQuery, shouldRunContinuousQuery, truncate
 */
import type { TimeZone } from '#influxql';
import type { CqDefinition } from './definition.js';

/** What is remembered of the last run. */
export interface LastRun {
  /** The moment on the query's grid that the last run was for. */
  readonly lastRunNs: bigint;
  /** End of the last window that had ended by then. */
  readonly finalToNs: bigint;
}

/** A run that is due: windows in [startNs, endNs), none where the end is not behind the start. */
export interface DueRun extends LastRun {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** The run that is due at a time, or null. */
export function dueRun(
  definition: CqDefinition,
  last: LastRun | null,
  nowNs: bigint,
): DueRun | null {
  const { intervalNs, offsetNs, forNs, zone } = definition;
  const everyNs = everyOf(definition);
  const nextRunNs = last === null ? nowNs : nextRunOf(definition, last.lastRunNs);
  if (nextRunNs > nowNs) return null;
  const lastRunNs = gridStart(nowNs, everyNs, definition);
  const spanNs = forNs !== 0n ? forNs : max(intervalNs, everyNs);
  const aheadNs = intervalNs - min(everyNs, intervalNs);
  const startNs =
    truncate(nextRunNs + intervalNs - spanNs - offsetNs - 1n, intervalNs, zone) + offsetNs;
  const endNs = truncate(nowNs + aheadNs - offsetNs, intervalNs, zone) + offsetNs;
  const finalToNs = gridStart(nowNs, intervalNs, definition);
  return { lastRunNs, finalToNs, startNs: startOf(definition, last, startNs), endNs };
}

/** Where the next run will start at the latest: points before it come too late for it. */
export function nextStartNs(definition: CqDefinition, last: LastRun): bigint {
  const { intervalNs, offsetNs, forNs, zone } = definition;
  const spanNs = forNs !== 0n ? forNs : max(intervalNs, everyOf(definition));
  const nextRunNs = nextRunOf(definition, last.lastRunNs);
  const startNs =
    truncate(nextRunNs + intervalNs - spanNs - offsetNs - 1n, intervalNs, zone) + offsetNs;
  return startOf(definition, last, startNs);
}

/** Time between two runs. */
export function everyOf({ everyNs, intervalNs }: CqDefinition): bigint {
  return everyNs !== 0n ? everyNs : intervalNs;
}

/** Start of the window that holds a time. */
export function windowStartNs(definition: CqDefinition, timeNs: bigint): bigint {
  return gridStart(timeNs, definition.intervalNs, definition);
}

/** The last moment of a grid of the query's offset and zone that is not behind a time. */
export function gridStart(
  timeNs: bigint,
  stepNs: bigint,
  { offsetNs, zone }: Pick<CqDefinition, 'offsetNs' | 'zone'>,
): bigint {
  return truncate(timeNs - offsetNs, stepNs, zone) + offsetNs;
}

/** A plain query goes on where it stopped; others at least do not leave a window behind that had not ended. */
function startOf(definition: CqDefinition, last: LastRun | null, startNs: bigint): bigint {
  if (last === null) return startNs;
  const isPlain = definition.everyNs === 0n && definition.forNs === 0n;
  return isPlain ? last.finalToNs : min(last.finalToNs, startNs);
}

/** The run after one, moved where the zone's clocks changed in between. */
function nextRunOf(definition: CqDefinition, lastRunNs: bigint): bigint {
  const { zone } = definition;
  const everyNs = everyOf(definition);
  const nextRunNs = lastRunNs + everyNs;
  const changeNs = zone.offsetNs(lastRunNs - 1n) - zone.offsetNs(nextRunNs - 1n);
  return changeNs !== 0n && abs(changeNs) < everyNs ? nextRunNs + changeNs : nextRunNs;
}

/** The greatest multiple of a step since 1970, by the zone's clocks, that is not behind a time. */
function truncate(timeNs: bigint, stepNs: bigint, zone: TimeZone): bigint {
  const zoneNs = zone.offsetNs(timeNs);
  let rest = (timeNs + zoneNs) % stepNs;
  if (rest < 0n) rest += stepNs;
  const startNs = timeNs - rest;
  const changeNs = zoneNs - zone.offsetNs(startNs);
  return changeNs !== 0n && abs(changeNs) < stepNs ? startNs + changeNs : startNs;
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const abs = (value: bigint): bigint => (value < 0n ? -value : value);
