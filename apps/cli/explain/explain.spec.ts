import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '#test-support';
import { explainGraphite } from './explain-command.js';

describe('tidegate explain graphite', () => {
  const folder = temporaryFolder();
  afterAll(() => folder.remove());

  const f = (keys: string, path: string): string => {
    const config = join(folder.path, 'c.toml');
    writeFileSync(config, `[[graphite]]\nenabled = true\n${keys}`);
    return explainGraphite(path, config, {});
  };

  it('shows the walk, the winner, what it shadows, and the line', () => {
    const templates =
      'templates = ["servers.* .host.measurement*", "servers.localhost.x measurement*", "servers.*.cpu .host.resource.measurement* dc=1"]';
    expect(f(templates, 'servers.localhost.cpu.load'))
      .toBe(`[[graphite]] :2003 (tcp), database graphite
  walk through the filters:
    servers: matches so far
    servers.localhost: matches so far
    servers.localhost: no filter ends here
    servers: nothing found below: turn back
    servers.*: matches so far
    servers.*.cpu: matches so far
    servers.*.cpu: a filter ends here: taken
  winner: servers.*.cpu .host.resource.measurement* dc=1
  shadowed: servers.* .host.measurement*
  InfluxDB takes: measurement*
  line: load,dc=1,host=localhost,resource=cpu value=<value> <time>
`);
  });

  it('needs no templates', () => {
    expect(f('', 'a.b c;d')).toBe(`[[graphite]] :2003 (tcp), database graphite
  winner: measurement* (no filter matches)
  line: a.b\\ c;d value=<value> <time>
`);
    expect(f('parse-tags = true', 'a.b c;dc=x,y')).toBe(`[[graphite]] :2003 (tcp), database graphite
  winner: measurement* (no filter matches)
  line: a.b\\ c,dc=x\\,y value=<value> <time>
`);
  });

  it('says why a path is refused', () => {
    expect(f('templates = ["measurement.field.field"]', 'a.b.c'))
      .toBe(`[[graphite]] :2003 (tcp), database graphite
  walk through the filters:
    (start): no filter ends here
  winner: measurement.field.field (no filter matches)
  refused: 'field' can only be used once in each template: "a.b.c"
`);
  });
});
