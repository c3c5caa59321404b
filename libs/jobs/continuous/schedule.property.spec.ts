import fc from 'fast-check';
import { timeZoneOf, utc } from '#influxql';
import { type CqDefinition, definitionOf } from './definition.js';
import { dueRun, type LastRun, windowStartNs } from './schedule.js';

const MINUTE = 60_000_000_000n;
const at = (text: string): bigint => BigInt(Date.parse(text)) * 1_000_000n;

/** A query over a grid, as its statement gives it. */
const defined = (grouping: string, resample = '', clauses = ''): CqDefinition => {
  const definition = definitionOf('d', {
    name: 'c',
    query: `CREATE CONTINUOUS QUERY c ON d ${resample} BEGIN SELECT mean(f) INTO d.autogen.x FROM d.autogen.m GROUP BY ${grouping} ${clauses} END`,
  });
  if (definition === null) throw new TypeError('it groups by time');
  return definition;
};

/** Looks every `stepNs`, with the ranges that were due. */
const simulate = (
  definition: CqDefinition,
  { fromNs, toNs, stepNs }: { fromNs: bigint; toNs: bigint; stepNs: bigint },
): [bigint, bigint][] => {
  let last: LastRun | null = null;
  const ranges: [bigint, bigint][] = [];
  for (let nowNs = fromNs; nowNs <= toNs; nowNs += stepNs) {
    const due = dueRun(definition, last, nowNs);
    if (due === null) continue;
    last = due;
    if (due.endNs > due.startNs) ranges.push([due.startNs, due.endNs]);
  }
  return ranges;
};

const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', ''];

describe('the schedule of continuous queries', () => {
  it('computes each window of a plain query once, whatever the zone and whenever it looks', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom('1h', '90m', '6h', '1d', '1w', '7h'),
        fc.constantFrom('', ', 6h', ', -15m'),
        fc.constantFrom('2026-03-01', '2026-10-01', '2027-04-01'),
        fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 5, maxLength: 200 }),
        (zone, interval, offset, start, stepsMinutes) => {
          const definition = defined(
            `time(${interval}${offset})`,
            '',
            zone === '' ? '' : `tz('${zone}')`,
          );
          let nowNs = at(start);
          let last: LastRun | null = null;
          let doneToNs: bigint | null = null;
          for (const step of stepsMinutes) {
            nowNs += BigInt(step) * MINUTE;
            const due = dueRun(definition, last, nowNs);
            if (due === null) continue;
            last = due;
            // Everything that has ended is computed, and nothing that was before.
            expect(due.endNs).toBe(windowStartNs(definition, nowNs));
            if (doneToNs !== null) expect(due.startNs).toBe(doneToNs);
            doneToNs = due.endNs;
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('leaves no window of a resampled query half computed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        fc.constantFrom('10m', '1h', '1d'),
        fc.constantFrom('EVERY 4m', 'EVERY 7m FOR 2d', 'FOR 3d', 'EVERY 2d', 'EVERY 25m'),
        fc.integer({ min: 1, max: 20 }),
        (zone, interval, resample, stepMinutes) => {
          const tz = zone === '' ? '' : `tz('${zone}')`;
          const definition = defined(`time(${interval})`, `RESAMPLE ${resample}`, tz);
          const fromNs = at('2026-10-24T03:00:00Z');
          const stepNs = BigInt(stepMinutes) * MINUTE;
          let last: LastRun | null = null;
          let finalToNs: bigint | null = null;
          for (let nowNs = fromNs; nowNs < fromNs + 5_000n * MINUTE; nowNs += stepNs) {
            const due = dueRun(definition, last, nowNs);
            if (due === null) continue;
            last = due;
            if (finalToNs !== null) expect(due.startNs <= finalToNs).toBe(true);
            finalToNs = windowStartNs(definition, nowNs);
            expect(due.finalToNs).toBe(finalToNs);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('runs a day of 25 hours as one window', () => {
    const definition = defined('time(1d)', '', "tz('Europe/Berlin')");
    expect(definition.zone).toBe(timeZoneOf('Europe/Berlin'));
    const shown = simulate(definition, {
      fromNs: at('2026-10-24T00:00:00Z'),
      toNs: at('2026-10-26T23:59:00Z'),
      stepNs: MINUTE,
    }).map((range) => range.map((ns) => new Date(Number(ns / 1_000_000n)).toISOString()));
    expect(shown).toEqual([
      ['2026-10-23T22:00:00.000Z', '2026-10-24T22:00:00.000Z'],
      ['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'],
      ['2026-10-25T23:00:00.000Z', '2026-10-26T23:00:00.000Z'],
    ]);
  });

  it.each([
    // Grid, RESAMPLE, the first look, the range of it.
    ['time(1h)', '', '12:30', '12:00', '12:00'],
    ['time(1h)', '', '12:00', '11:00', '12:00'],
    ['time(1h, 15m)', '', '12:15', '11:15', '12:15'],
    ['time(1h, -15m)', '', '12:45', '11:45', '12:45'],
    ['time(1h)', 'EVERY 30m', '12:30', '12:00', '13:00'],
    ['time(1h)', 'EVERY 30m FOR 2h', '12:30', '11:00', '13:00'],
    ['time(30m)', 'EVERY 1h', '12:00', '11:00', '12:00'],
    ['time(30m)', 'FOR 1h', '12:00', '11:00', '12:00'],
    ['time(10m)', 'FOR 1h', '12:07', '11:10', '12:00'],
    ['time(30m)', 'EVERY 1h FOR 90m', '12:00', '10:30', '12:00'],
    ['time(5m)', 'EVERY 1m', '12:03', '12:00', '12:05'],
  ])('of %s %s at %s is %s to %s', (grid, resample, now, start, end) => {
    const definition = defined(grid, resample === '' ? '' : `RESAMPLE ${resample}`);
    expect(definition.zone).toBe(utc);
    const day = (clock: string): bigint => at(`2026-05-05T${clock}:00Z`);
    const due = dueRun(definition, null, day(now));
    expect([due?.startNs, due?.endNs]).toEqual([day(start), day(end)]);
  });
});
