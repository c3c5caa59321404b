/**
 * One template of a Graphite listener: how the parts of a path become measurement, tags and field.
 * All texts are binary strings. @see InfluxDB services/graphite/parser.go
 */
import { goQuote } from '../shared/go-text.js';

/** What a template makes of a path. */
export interface AppliedTemplate {
  /** Empty where the path gives none: then the whole path is the measurement. */
  readonly measurement: string;
  /** By key, in no order; values may be empty. */
  readonly tags: ReadonlyMap<string, string>;
  /** Empty = `value`. */
  readonly field: string;
}

/** A template, `[filter] parts [tags]`. */
export class Template {
  private readonly parts: readonly string[];

  /**
   * @param text the parts, `.host.measurement*`
   * @param separator joins the parts that one word takes
   */
  constructor(
    readonly filter: string,
    readonly text: string,
    readonly tags: ReadonlyMap<string, string>,
    private readonly separator: string,
  ) {
    this.parts = text.split('.');
  }

  /** As the configuration writes it. */
  toString(): string {
    const tags = [...this.tags].map(([key, value]) => `${key}=${value}`).join(',');
    return [this.filter, this.text, tags].filter((part) => part !== '').join(' ');
  }

  /** What a path becomes, or InfluxDB's text for why it cannot be. */
  apply(path: string): AppliedTemplate | string {
    const { parts, separator } = this;
    if (parts.includes('field*') && parts.includes('measurement*')) {
      return `either 'field*' or 'measurement*' can be used in each template (but not both together): ${goQuote(parts.join(separator))}`;
    }
    const sections = path.split('.');
    const measurement: string[] = [];
    const tags = new Map([...this.tags].map(([key, value]) => [key, [value]]));
    let field = '';
    for (let i = 0; i < parts.length && i < sections.length; i++) {
      const part = parts[i];
      if (part === '') continue;
      if (part === 'measurement') measurement.push(sections[i]);
      else if (part === 'measurement*') measurement.push(...sections.slice(i));
      else if (part === 'field*') field = sections.slice(i).join(separator);
      else if (part === 'field') {
        if (field !== '') {
          return `'field' can only be used once in each template: ${goQuote(path)}`;
        }
        field = sections[i];
      } else {
        const values = tags.get(part);
        if (values === undefined) tags.set(part, [sections[i]]);
        else values.push(sections[i]);
      }
    }
    return {
      measurement: measurement.join(separator),
      tags: new Map([...tags].map(([key, values]) => [key, values.join(separator)])),
      field,
    };
  }
}
