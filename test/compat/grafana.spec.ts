/**
 * What Grafana and Chronograf ask gets InfluxDB 1.6.7's answers, to the byte.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServerProcess, startServer } from '#test-support';
import { askDashboard, loadDashboards, readDashboards, type DashboardAnswer } from './grafana.js';

const { points, requests } = readDashboards(join(import.meta.dirname, 'grafana-requests.json'));
const answers = JSON.parse(
  readFileSync(join(import.meta.dirname, 'grafana-answers.json'), 'utf8'),
) as readonly DashboardAnswer[];

describe('Grafana and Chronograf', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-grafana-'));
  let server: ServerProcess;

  beforeAll(async () => {
    server = await startServer({ folder });
    await loadDashboards(server.url, points);
  }, 60_000);

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('has an answer for every request', () => {
    expect(answers).toHaveLength(requests.length);
  });

  it.each(requests.map((request, i) => ({ request, recorded: answers[i] })))(
    '$request.about: $request.q',
    async ({ request, recorded }) => {
      expect(await askDashboard(server.url, request)).toEqual(recorded);
    },
  );
});
