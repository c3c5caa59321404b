/** Tables of SHOW DIAGNOSTICS about inputs: who is connected (InfluxDB has this for Graphite alone), and what plugins do. */
import type { Input, PluginReport } from '#inputs';
import { formatRfc3339 } from '#influxql';
import type { Diagnostics } from '#monitor';

const CONNECTION_COLUMNS = ['local', 'remote', 'connect time'];
const PLUGIN_COLUMNS = ['package', 'state', 'addresses', 'faults', 'last error'];

/** All tables: one a listener that has connections, and one for plugins where there are any. */
export function inputDiagnostics(
  inputs: readonly Input[],
  plugins: readonly PluginReport[],
): readonly Diagnostics[] {
  const tables = inputs.flatMap((input) => {
    const connections = input.connections?.();
    if (connections === undefined) return [];
    const rows = connections.map(({ local, remote, connectedAt }) => [
      local,
      remote,
      formatRfc3339(BigInt(connectedAt.getTime()) * 1_000_000n),
    ]);
    return [{ name: diagnosticsName(input), columns: CONNECTION_COLUMNS, rows }];
  });
  if (plugins.length === 0) return tables;
  const rows = plugins.map(({ packageName, state, addresses, faults, error }) => [
    packageName,
    state,
    addresses.join(' '),
    faults,
    error,
  ]);
  return [...tables, { name: 'plugins', columns: PLUGIN_COLUMNS, rows }];
}

/** `graphite:tcp::2003`. Same as InfluxDB 1.x. */
function diagnosticsName(input: Input): string {
  const tags = input.statistics()[0]?.tags ?? {};
  return [input.kind, tags['proto'], tags['bind']]
    .filter((part) => part !== undefined && part !== '')
    .join(':');
}
