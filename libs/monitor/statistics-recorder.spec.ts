import { debugVarsText } from './debug-vars.js';
import type { Statistics } from './statistics.js';
import { statisticsText } from './statistics-recorder.js';

const all: readonly Statistics[] = [
  { name: 'write', tags: {}, values: { req: 1, pointReq: 2 } },
  { name: 'udp', tags: { bind: 'a b,c=d:1', proto: '' }, values: { pointsRx: 7 } },
  { name: 'empty', tags: {}, values: {} },
];

describe('statisticsText', () => {
  it('is line protocol with the host as a tag; empty tags and parts are left out', () => {
    expect(statisticsText(all, 'h 1', 42n)).toBe(
      'write,hostname=h\\ 1 req=1i,pointReq=2i 42\nudp,bind=a\\ b\\,c\\=d:1,hostname=h\\ 1 pointsRx=7i 42',
    );
  });
});

describe('debugVarsText', () => {
  it("has InfluxDB's keys, each once", () => {
    const times = { currentTime: 'b', started: 'a', uptime: 1 };
    const tags = { database: 'd', retention_policy: 'r', name: 's', destination: 'u' };
    const text = debugVarsText(times, [
      { name: 'runtime', tags: {}, values: { HeapInUse: 5 } },
      { name: 'shard', tags: { database: 'd', path: '/p/1', id: '1' }, values: {} },
      { name: 'subscriber', tags, values: {} },
      { name: 'graphite', tags: { bind: ':1', proto: 'tcp' }, values: {} },
      { name: 'graphite', tags: { bind: ':1', proto: 'tcp' }, values: {} },
    ]);
    const parsed = JSON.parse(text) as Record<string, unknown>;
    expect(Object.keys(parsed)).toEqual([
      'system',
      'cmdline',
      'memstats',
      'runtime',
      'shard:/p/1:1',
      'subscriber:d:r:s:u',
      'graphite:tcp::1',
      'graphite:tcp::1:1',
    ]);
    expect(parsed['memstats']).toEqual({ HeapInUse: 5, HeapInuse: 5 });
    expect(parsed['system']).toEqual(times);
  });
});
