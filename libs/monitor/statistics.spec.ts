import type { Logger, LogFields } from '#kernel';
import { ServerMetrics, StatisticsRegistry } from './index.js';

/** Keeps what is logged. */
class HeardLogger implements Logger {
  readonly lines: string[] = [];

  private note(phrase: string, fields: LogFields = {}): void {
    this.lines.push(`${phrase} ${JSON.stringify(fields)}`);
  }

  debug = this.note.bind(this);
  info = this.note.bind(this);
  warn = this.note.bind(this);
  error = this.note.bind(this);
  with = (): Logger => this;
}

const good = (name: string) => () => [{ name, tags: {}, values: { n: 1.6, bad: Number.NaN } }];
const whole = (name: string) => ({ name, tags: {}, values: { n: 2, bad: 0 } });

describe('StatisticsRegistry', () => {
  it('gives whole numbers, in the order of registration', () => {
    const registry = new StatisticsRegistry();
    registry.register('b', good('b'));
    registry.register('a', good('a'));
    expect(registry.collect()).toEqual([whole('b'), whole('a')]);
    expect(registry.diagnostics()).toEqual([]);
  });

  it('loses the part that fails alone, names it, counts, and logs once', () => {
    const logger = new HeardLogger();
    const registry = new StatisticsRegistry(logger);
    let isBroken = true;
    registry.register('first', good('first'));
    registry.register('broken', () => {
      if (isBroken) throw new RangeError('no numbers');
      return good('broken')();
    });
    registry.register('last', good('last'));
    const failed = (collectFailures: number) => ({
      name: 'monitor',
      tags: { source: 'broken' },
      values: { collectFailures },
    });
    expect(registry.collect()).toEqual([whole('first'), whole('last'), failed(1)]);
    expect(registry.collect()).toEqual([whole('first'), whole('last'), failed(2)]);
    expect(registry.diagnostics()).toEqual([
      {
        name: 'monitor',
        columns: ['source', 'collectFailures', 'error'],
        rows: [['broken', 2, 'no numbers']],
      },
    ]);
    isBroken = false;
    expect(registry.collect()).toEqual([whole('first'), whole('broken'), whole('last'), failed(2)]);
    expect(logger.lines).toEqual([
      'Statistics cannot be gathered {"source":"broken","error":"no numbers"}',
    ]);
  });

  it('loses the table that fails alone', () => {
    const registry = new StatisticsRegistry();
    const table = { name: 'x', columns: ['c'], rows: [[1]] };
    registry.registerDiagnostics('broken', () => {
      throw new RangeError('no table');
    });
    registry.registerDiagnostics('x', () => [table]);
    expect(registry.diagnostics().map(({ name }) => name)).toEqual(['monitor', 'x']);
    expect(registry.collect()).toEqual([
      { name: 'monitor', tags: { source: 'broken' }, values: { collectFailures: 1 } },
    ]);
  });

  it('leaves /metrics to the others', async () => {
    const registry = new StatisticsRegistry();
    registry.register('broken', () => {
      throw new RangeError('no numbers');
    });
    registry.register('write', () => [{ name: 'write', tags: {}, values: { pointReq: 7 } }]);
    const text = await new ServerMetrics(registry, '1').render();
    expect(text).toContain('tidegate_write_points_total 7\n');
    expect(text).toContain('tidegate_statistics_failures_total{source="broken"} 1\n');
  });
});
