/**
 * The configuration as TOML with every key, its default and its documentation line: the sample file and what
 * `tidegate config` prints.
 */
import { stringify } from 'smol-toml';
import type { ConfigKey } from './config-key.js';
import type { Section, SectionRegistry } from './section.js';

const WIDTH = 100;

/** The sample: each key at its default (directories at a usable place) under its documentation. */
export function formatSample(registry: SectionRegistry): string {
  return formatConfig(registry, (_section, key) => key.sampleLiteral);
}

/** The sample's form with the literals chosen by `literalOf`. */
export function formatConfig(
  registry: SectionRegistry,
  literalOf: (section: Section, key: ConfigKey<unknown>) => string,
): string {
  const blocks = Object.values(registry).map((section) => {
    const lines: string[] = [];
    if (section.name !== '') {
      lines.push(...comment(section.doc, ''), section.repeats ? `[[${section.name}]]` : `[${section.name}]`);
    }
    const indent = section.name === '' ? '' : '  ';
    const keys = Object.values(section.keys);
    for (const key of keys.filter((candidate) => candidate.kind !== 'string table')) {
      lines.push(...comment(key.doc, indent), `${indent}${key.key} = ${literalOf(section, key)}`, '');
    }
    // Sub-tables come last: in TOML, keys after their header would belong to them.
    for (const key of keys.filter((candidate) => candidate.kind === 'string table')) {
      lines.push(...comment(key.doc, indent), `${indent}[${section.name}.${key.key}]`, literalOf(section, key));
    }
    return lines.join('\n').trimEnd();
  });
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** A value as a TOML literal. */
export function tomlLiteral(value: unknown): string {
  return stringify({ v: value }).trim().replace(/^v = /, '');
}

function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(/\s+/)) {
    if (line.length + word.length + 1 > WIDTH) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
