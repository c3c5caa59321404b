/** Tells how a listener reads a path: the walk through the filters, the winner, what it shadows, and the line that results. */
import { escapeFieldName } from '#models';
import { fromBinary, toBinary } from '../shared/go-text.js';
import type { GraphiteConfig } from './graphite.config.js';
import { PathNamer, splitTagged } from './path-namer.js';
import type { Template } from './template.js';
import type { WalkStep } from './template-matcher.js';

const STEP_TEXTS: Readonly<Record<WalkStep['event'], string>> = {
  enter: 'matches so far',
  'dead end': 'no filter ends here',
  template: 'a filter ends here: taken',
  'turn back': 'nothing found below: turn back',
};

/** The explanation, line by line, for people. */
export function explainGraphitePath(config: GraphiteConfig, path: string): readonly string[] {
  const binary = toBinary(path);
  const namer = new PathNamer(config);
  const plain = (config.areTagsParsed ? splitTagged(binary)?.path : null) ?? binary;
  const { matcher } = namer;
  const winner = matcher.match(plain);
  const lines = [
    `[[graphite]] ${config.bindAddress} (${config.protocol}), database ${config.database}`,
  ];
  const steps = matcher.walk(plain);
  if (config.templates.length > 0) {
    lines.push('  walk through the filters:');
    for (const { filter, event } of steps) {
      lines.push(`    ${fromBinary(filter) || '(start)'}: ${STEP_TEXTS[event]}`);
    }
  }
  lines.push(`  winner: ${textOf(winner)}${winner.filter === '' ? ' (no filter matches)' : ''}`);
  for (const other of matcher.matching(plain)) {
    if (other !== winner) lines.push(`  shadowed: ${textOf(other)}`);
  }
  const upstream = new PathNamer({ ...config, templateMatching: 'influxdb' }).matcher.match(plain);
  if (textOf(upstream) !== textOf(winner)) lines.push(`  InfluxDB takes: ${textOf(upstream)}`);
  const named = namer.name(binary);
  lines.push(
    typeof named === 'string'
      ? `  refused: ${fromBinary(named)}`
      : `  line: ${fromBinary(named.key)} ${escapeFieldName(fromBinary(named.field))}=<value> <time>`,
  );
  return lines;
}

const textOf = (template: Template): string => fromBinary(template.toString());
