/**
 * From a Graphite path to a series and its field: templates, default tags, and the tags of Graphite 1.1 (`a.b;key=value`).
 * Called once a path. Texts are binary strings, one character a byte.
 */
import { formatSeriesKey, type Tag } from '#models';
import { goFields, toBinary } from '../shared/go-text.js';
import { Template } from './template.js';
import { TemplateMatcher } from './template-matcher.js';

/** What a path stands for. */
export interface NamedPath {
  /** Canonical series key. */
  readonly key: string;
  readonly field: string;
}

/** The keys of the configuration that say how paths are read; see graphite.config.ts. */
export interface PathConfig {
  readonly separator: string;
  readonly tags: readonly string[];
  readonly templates: readonly string[];
  readonly templateMatching: 'backtrack' | 'influxdb';
  readonly areTagsParsed: boolean;
}

const SEPARATOR_DEFAULT = '.';

/** Names the series of paths. */
export class PathNamer {
  readonly matcher: TemplateMatcher;
  private readonly defaultTags: ReadonlyMap<string, string>;
  private readonly areTagsParsed: boolean;

  /** @param config has passed its checks */
  constructor(config: PathConfig) {
    const separator = toBinary(config.separator || SEPARATOR_DEFAULT);
    this.matcher = new TemplateMatcher(
      config.templates.map((text) => parseTemplate(toBinary(text), separator)),
      new Template('', 'measurement*', new Map(), SEPARATOR_DEFAULT),
      config.templateMatching === 'backtrack',
    );
    this.defaultTags = new Map(config.tags.map((pair) => splitTag(toBinary(pair))));
    this.areTagsParsed = config.areTagsParsed;
  }

  /** The series and field of a path, or InfluxDB's text for why there is none. */
  name(path: string): NamedPath | string {
    const tagged = this.areTagsParsed ? splitTagged(path) : null;
    const plain = tagged?.path ?? path;
    const applied = this.matcher.match(plain).apply(plain);
    if (typeof applied === 'string') return applied;
    const tags = new Map([...this.defaultTags, ...applied.tags, ...(tagged?.tags ?? [])]);
    const sorted: Tag[] = [...tags].map(([key, value]) => ({ key, value }));
    // Binary strings compare like their bytes.
    sorted.sort((a, b) => (a.key < b.key ? -1 : 1));
    return {
      key: formatSeriesKey(applied.measurement || plain, sorted),
      field: applied.field || 'value',
    };
  }
}

/** Reads `[filter] template [tag=value,...]`, which has passed the configuration's checks. */
function parseTemplate(text: string, separator: string): Template {
  const words = goFields(text);
  const hasTags = words.length > 1 && (words[words.length - 1] ?? '').includes('=');
  const tags = new Map(
    hasTags ? (words[words.length - 1] ?? '').split(',').map(splitTag) : undefined,
  );
  const hasFilter = words.length - Number(hasTags) > 1;
  const [filter = '', parts = ''] = hasFilter ? words : ['', words[0]];
  return new Template(filter, parts, tags, separator);
}

function splitTag(pair: string): [string, string] {
  const [key = '', value = ''] = pair.split('=');
  return [key, value];
}

/**
 * Takes `path;key=value;…` apart; null where it is not written so: then it is a path like any other, as InfluxDB takes it.
 * @see https://graphite.readthedocs.io/en/latest/tags.html
 */
export function splitTagged(
  text: string,
): { readonly path: string; readonly tags: Map<string, string> } | null {
  const [path = '', ...pairs] = text.split(';');
  if (path === '' || pairs.length === 0) return null;
  const tags = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    if (at <= 0 || at === pair.length - 1) return null;
    tags.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return { path, tags };
}
