/** Checks of `[[graphite]]`: templates, tags and examples, with InfluxDB's texts. @see InfluxDB services/graphite/config.go */
import { fromBinary, goFields, toBinary } from '../shared/go-text.js';
import { type PathConfig, PathNamer } from './path-namer.js';

/** What stands between the path of an example and what it becomes. */
const ARROW = ' -> ';

/** Why a table cannot be used, or null. */
export function checkGraphite(
  config: PathConfig & { readonly examples: readonly string[] },
): string | null {
  const complaint = checkTemplates(config.templates) ?? firstOf(config.tags, checkTag);
  if (complaint !== null) return complaint;
  return config.examples.length === 0 ? null : checkExamples(config);
}

function checkTemplates(templates: readonly string[]): string | null {
  const filters = new Set<string>();
  for (const [i, text] of templates.entries()) {
    const words = goFields(text);
    if (words.length === 0) return `missing template at position: ${i}`;
    if (words.length > 3) return `invalid template format: '${text}'`;
    const [first = '', second = '', third = ''] = words;
    const hasFilter = words.length >= 2 && !second.includes('=');
    const filter = hasFilter ? first : '';
    const template = hasFilter ? second : first;
    const tags = third || (hasFilter ? '' : second);
    const complaint =
      checkTemplate(template) ??
      (filters.has(filter) ? `duplicate filter '${filter}' found at position: ${i}` : null) ??
      (filter === '' ? null : checkFilter(filter)) ??
      (tags === '' ? null : firstOf(tags.split(','), checkTag));
    if (complaint !== null) return complaint;
    filters.add(filter);
  }
  return null;
}

function checkTemplate(template: string): string | null {
  return template.split('.').some((part) => part === 'measurement' || part === 'measurement*')
    ? null
    : `no measurement in template \`${template}\``;
}

function checkFilter(filter: string): string | null {
  return firstOf(filter.split('.'), (section) => {
    if (section === '') return `filter contains blank section: ${filter}`;
    return section.includes('*') && section !== '*'
      ? `invalid filter wildcard section: ${filter}`
      : null;
  });
}

function checkTag(pair: string): string | null {
  const parts = pair.split('=');
  if (parts.length !== 2) return `invalid template tags: '${pair}'`;
  return parts.includes('') ? `invalid template tags: ${pair}'` : null;
}

function checkExamples(config: PathConfig & { readonly examples: readonly string[] }) {
  const namer = new PathNamer(config);
  return firstOf(config.examples, (example) => {
    const at = example.indexOf(ARROW);
    if (at < 0) return `invalid example: '${example}', want 'path -> series field'`;
    const found = namer.name(toBinary(example.slice(0, at).trim()));
    const wanted = example.slice(at + ARROW.length).trim();
    const text = typeof found === 'string' ? found : fromBinary(`${found.key} ${found.field}`);
    return text === wanted ? null : `example '${example}' does not hold: it is '${text}'`;
  });
}

function firstOf<T>(items: readonly T[], complain: (item: T) => string | null): string | null {
  for (const item of items) {
    const complaint = complain(item);
    if (complaint !== null) return complaint;
  }
  return null;
}
