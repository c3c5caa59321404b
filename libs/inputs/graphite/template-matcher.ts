/**
 * Finds the template for a path by the filters, a tree of path sections. A filter also matches what is longer than itself; a
 * section matches itself before `*`. InfluxDB follows the first match and never turns back, so that a filter with an exact
 * section hides those with `*` there (influxdata/influxdb#14621); ours turns back unless told otherwise.
 */
import type { Template } from './template.js';

interface FilterNode {
  readonly section: string;
  readonly children: Map<string, FilterNode>;
  template: Template | null;
}

/** A step of the walk that looks for a template. */
export interface WalkStep {
  /** Sections taken so far, as filters write them: `servers.*`. */
  readonly filter: string;
  /** What happened there. */
  readonly event: 'enter' | 'dead end' | 'template' | 'turn back';
}

const newNode = (section: string): FilterNode => ({
  section,
  children: new Map<string, FilterNode>(),
  template: null,
});

/** Filters and their templates. */
export class TemplateMatcher {
  private readonly root = newNode('');
  private fallback: Template;

  /**
   * @param templates without two of one filter
   * @param fallback for paths that no filter matches, unless a template has no filter
   */
  constructor(
    readonly templates: readonly Template[],
    fallback: Template,
    private readonly isBacktracking: boolean,
  ) {
    this.fallback = fallback;
    for (const template of templates) this.insert(template);
  }

  /** The template for a path. */
  match(path: string): Template {
    return this.search(this.root, path.split('.'), 0, null) ?? this.fallback;
  }

  /** Like {@link match}, telling each step. */
  walk(path: string): readonly WalkStep[] {
    const steps: WalkStep[] = [];
    this.search(this.root, path.split('.'), 0, steps, []);
    return steps;
  }

  /** Templates whose filter matches a path by itself, whether or not the search gets there. */
  matching(path: string): readonly Template[] {
    const sections = path.split('.');
    return this.templates.filter(({ filter }) => {
      const wanted = filter.split('.');
      return (
        filter !== '' &&
        wanted.length <= sections.length &&
        wanted.every((section, i) => section === '*' || section === sections[i])
      );
    });
  }

  private insert(template: Template): void {
    if (template.filter === '') {
      this.fallback = template;
      return;
    }
    let node = this.root;
    for (const section of template.filter.split('.')) {
      let child = node.children.get(section);
      if (child === undefined) node.children.set(section, (child = newNode(section)));
      node = child;
    }
    node.template = template;
  }

  // The last parameters are for telling alone.
  private search(
    node: FilterNode,
    sections: readonly string[],
    depth: number,
    steps: WalkStep[] | null,
    path: readonly string[] = [],
  ): Template | null {
    const tell = (event: WalkStep['event']): void => {
      steps?.push({ filter: path.join('.'), event });
    };
    if (depth > 0) tell('enter');
    if (depth < sections.length && node.children.size > 0) {
      const wanted = [sections[depth], '*'];
      for (const section of wanted) {
        const child = node.children.get(section);
        if (child === undefined) continue;
        const found = this.search(child, sections, depth + 1, steps, [...path, section]);
        if (found !== null || !this.isBacktracking) return found;
        tell('turn back');
        if (section === '*') break;
      }
    }
    tell(node.template === null ? 'dead end' : 'template');
    return node.template;
  }
}
