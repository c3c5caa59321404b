/**
 * The configuration as TOML with every key, its default and its documentation line: the sample file and what
 * `tidegate config` prints.
 */
import type { ConfigKey } from './config-key.js';
import type { ConfigOf, Section, SectionRegistry } from './section.js';

const WIDTH = 100;

/** The sample: each key at its default (directories at a usable place) under its documentation. */
export function formatSample(registry: SectionRegistry): string {
  return join(
    Object.values(registry).map((section) => formatTable(section, (_, key) => key.sampleLiteral)),
  );
}

/** A configuration in the sample's form, every key with its present value. */
export function formatConfig<Registry extends SectionRegistry>(
  registry: Registry,
  config: ConfigOf<Registry>,
): string {
  const blocks = Object.entries(registry).flatMap(([name, section]) => {
    const values: unknown = config[name as keyof Registry];
    const tables = (Array.isArray(values) ? values : [values]) as readonly Readonly<
      Record<string, unknown>
    >[];
    return tables.map((table) =>
      formatTable(section, (property, key) => key.toLiteral(table[property])),
    );
  });
  return join(blocks);
}

function formatTable(
  section: Section,
  literalOf: (property: string, key: ConfigKey<unknown>) => string,
): string {
  const lines: string[] = [];
  if (section.name !== '') {
    lines.push(
      ...comment(section.doc, ''),
      section.repeats ? `[[${section.name}]]` : `[${section.name}]`,
    );
  }
  const indent = section.name === '' ? '' : '  ';
  const keys = Object.entries(section.keys);
  for (const [property, key] of keys.filter(([, candidate]) => candidate.kind !== 'string table')) {
    if (key.kind === 'other keys') {
      const others = literalOf(property, key);
      lines.push(...comment(key.doc, indent));
      if (others !== '') lines.push(...others.split('\n').map((line) => `${indent}${line}`));
      lines.push('');
      continue;
    }
    lines.push(
      ...comment(key.doc, indent),
      `${indent}${key.key} = ${literalOf(property, key)}`,
      '',
    );
  }
  // Sub-tables come last: in TOML, keys after their header would belong to them.
  for (const [property, key] of keys.filter(([, candidate]) => candidate.kind === 'string table')) {
    lines.push(
      ...comment(key.doc, indent),
      `${indent}[${section.name}.${key.key}]`,
      literalOf(property, key),
    );
  }
  return lines.join('\n').trimEnd();
}

const join = (blocks: readonly string[]): string =>
  `${blocks.filter((block) => block !== '').join('\n\n')}\n`;

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
