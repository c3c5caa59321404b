import { type Logger, NodeFileSystem, silentLogger } from '#kernel';
import { JobsBench, ManualClock, temporaryFolder } from '#test-support';
import { lineWriteErrorText } from './line-writer.js';
import { checkWindowRule, type WindowAction } from './write-window.js';

const folder = temporaryFolder();
afterAll(() => folder.remove());
let count = 0;

/** A server at 2020-09-13T12:26:40Z whose window is ten years back and a week ahead. */
const setUp = async (
  windowAction: WindowAction,
  windowsByPolicy: Record<string, string> = {},
): Promise<{ bench: JobsBench; clock: ManualClock; logged: unknown[] }> => {
  const logged: unknown[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (phrase, fields) => logged.push([phrase, fields?.['points'], fields?.['example']]),
    with: () => logger,
  };
  const clock = new ManualClock();
  const bench = new JobsBench({
    files: new NodeFileSystem(),
    folder: `${folder.path}/${count++}`,
    clock,
    logger,
    writeWindows: {
      windowAction,
      windowPastMs: 87_600 * 3_600_000,
      windowFutureMs: 168 * 3_600_000,
      windowsByPolicy,
    },
  });
  await bench.open();
  await bench.query('CREATE DATABASE d');
  return { bench, clock, logged };
};

const BEHIND = "is more than 87600h0m0s behind the server's clock";
const NOW_S = 1_600_000_000n;

describe('the write window', () => {
  it('warns once a minute and stores', async () => {
    const { bench, clock, logged } = await setUp('warn');
    const reason = `point time 1970-01-01T00:00:01.6Z ${BEHIND}, did you mean precision=s?`;
    for (let i = 0; i < 3; i++)
      expect(await bench.write('d', '', [`m f=1 ${NOW_S}`, `m f=2 ${NOW_S + 1n}`])).toBe(0);
    clock.advanceMs(60_000);
    expect(await bench.write('d', '', [`m f=1 ${NOW_S}`])).toBe(0);
    expect(logged).toEqual([
      ['Points outside the write window', 2, reason],
      ['Points outside the write window', 5, reason],
    ]);
    expect(bench.writer.statistics).toMatchObject({ writeWindowWarn: 7, writeWindowDrop: 0 });
    await bench.close();
  });

  it.each([
    ['ns', NOW_S, `1970-01-01T00:00:01.6Z ${BEHIND}, did you mean precision=s?`],
    ['ns', NOW_S * 1000n, `1970-01-01T00:26:40Z ${BEHIND}, did you mean precision=ms?`],
    ['ns', NOW_S * 1_000_000n, `1970-01-19T12:26:40Z ${BEHIND}, did you mean precision=u?`],
    ['ms', NOW_S, `1970-01-19T12:26:40Z ${BEHIND}, did you mean precision=s?`],
    ['u', NOW_S * 1000n, `1970-01-19T12:26:40Z ${BEHIND}, did you mean precision=ms?`],
    ['s', 0n, `1970-01-01T00:00:00Z ${BEHIND}`],
    [
      's',
      NOW_S + 700_000n,
      "2020-09-21T14:53:20Z is more than 168h0m0s ahead of the server's clock",
    ],
  ] as const)('refuses, where it is to, in %s the time %s', async (precision, time, text) => {
    const { bench } = await setUp('refuse');
    const nowInUnit = NOW_S * { s: 1n, ms: 1000n, u: 1_000_000n, ns: 1_000_000_000n }[precision];
    const outcome = await bench.writeLines({
      database: 'd',
      retentionPolicy: '',
      precision,
      lines: [`m f=1 ${time}`, `m f=2 ${nowInUnit}`],
    });
    expect(lineWriteErrorText(outcome)).toBe(`partial write: point time ${text} dropped=1`);
    expect(outcome.verdicts).toEqual([
      { lineNumber: 1, text: `m f=1 ${time}`, reason: `point time ${text}` },
    ]);
    // One shard group, for the good point.
    expect(bench.meta.database('d')?.retentionPolicies[0]?.shardGroups).toHaveLength(1);
    const { writeDrop, writeWindowDrop, pointReqLocal } = bench.writer.statistics;
    expect({ writeDrop, writeWindowDrop, pointReqLocal }).toEqual({
      writeDrop: 1,
      writeWindowDrop: 1,
      pointReqLocal: 1,
    });
    await bench.close();
  });

  it.each([
    ['refuse', ', did you mean precision=ms?'],
    ['warn', ''],
  ] as const)('names the unit of a number too large for its own (%s)', async (action, hint) => {
    const { bench } = await setUp(action);
    const { rejected } = await bench.writeLines({
      database: 'd',
      retentionPolicy: '',
      precision: 's',
      lines: [`m f=1 ${NOW_S * 1000n}`],
    });
    expect(rejected[0]?.reason).toBe(
      `time outside range -9223372036854775806 - 9223372036854775806${hint}`,
    );
    await bench.close();
  });

  it('follows the rule of a policy', async () => {
    const { bench } = await setUp('warn', {
      'd.autogen': 'past=1h future=0s refuse',
      'd.x': 'off',
    });
    await bench.query('CREATE RETENTION POLICY x ON d DURATION INF REPLICATION 1');
    const hourAgo = (NOW_S - 3601n) * 1_000_000_000n;
    const farAhead = (NOW_S + 10n ** 9n) * 1_000_000_000n;
    expect(await bench.write('d', '', [`m f=1 ${hourAgo}`])).toBe(1);
    expect(await bench.write('d', '', [`m f=1 ${farAhead}`])).toBe(0);
    expect(await bench.write('d', 'x', ['m f=1 1'])).toBe(0);
    expect(bench.writer.statistics).toMatchObject({ writeWindowWarn: 0, writeWindowDrop: 1 });
    await bench.close();
  });

  it('stands before what the policy keeps', async () => {
    const { bench } = await setUp('refuse');
    await bench.query('CREATE RETENTION POLICY short ON d DURATION 1h REPLICATION 1');
    const twoHoursAgo = (NOW_S - 7200n) * 1_000_000_000n;
    const outcome = await bench.writeLines({
      database: 'd',
      retentionPolicy: 'short',
      lines: [`m f=1 ${twoHoursAgo}`, 'm f=2 1'],
    });
    expect(outcome.verdicts?.map(({ reason }) => reason)).toEqual([
      'points beyond retention policy',
      `point time 1970-01-01T00:00:00.000000001Z ${BEHIND}`,
    ]);
    await bench.close();
  });

  it('has rules that are checked', () => {
    for (const text of ['', 'refuse', 'past=1h future=2m warn', 'off'])
      expect(() => checkWindowRule(text)).not.toThrow();
    for (const text of ['deny', 'past', 'past=1x', 'future=-'])
      expect(() => checkWindowRule(text)).toThrow(/bad write window|invalid duration/);
  });
});
