/**
 * A section of the configuration: the keys one part declares, under one name. A section is a single table (`[meta]`), a
 * list of tables (`[[graphite]]`) or, with an empty name, the top of the file. Which sections make up a configuration is
 * decided by apps/tidegate.
 */
import type { ConfigKey } from './config-key.js';

/** The keys of a section by the name that code uses for them. */
export type SectionKeys = Readonly<Record<string, ConfigKey<unknown>>>;

/** What code receives for a section's keys. */
export type KeyValues<Keys extends SectionKeys> = {
  readonly [Name in keyof Keys]: Keys[Name] extends ConfigKey<infer Value> ? Value : never;
};

/** A declared section. */
export interface Section<
  Keys extends SectionKeys = SectionKeys,
  Repeats extends boolean = boolean,
> {
  /** Name in the file, empty for the top. */
  readonly name: string;
  /** What the section is about, for the sample. */
  readonly doc: string;
  /** Whether it is a list of tables. A file without any stands for one table of defaults, as upstream. */
  readonly repeats: Repeats;
  readonly keys: Keys;
  /** Why these values cannot be used, in upstream's words, or null. */
  check(values: KeyValues<Keys>): string | null;
}

/** What code receives for one table of a section. */
export type SectionValues<S> = S extends Section<infer Keys> ? KeyValues<Keys> : never;

interface SectionText<Keys extends SectionKeys> {
  readonly name: string;
  readonly doc: string;
  readonly keys: Keys;
  check?(values: KeyValues<Keys>): string | null;
}

/** Declares `[name]`. */
export function defineSection<const Keys extends SectionKeys>(
  text: SectionText<Keys>,
): Section<Keys, false> {
  return { check: () => null, ...text, repeats: false };
}

/** Declares `[[name]]`. */
export function defineListSection<const Keys extends SectionKeys>(
  text: SectionText<Keys>,
): Section<Keys, true> {
  return { check: () => null, ...text, repeats: true };
}

/** The sections of a program by the name that code uses for them. */
export type SectionRegistry = Readonly<Record<string, Section>>;

/** The typed configuration that a registry of sections yields. */
export type ConfigOf<Registry extends SectionRegistry> = {
  readonly [Name in keyof Registry]: Registry[Name] extends Section<infer Keys, infer Repeats>
    ? Repeats extends true
      ? readonly KeyValues<Keys>[]
      : KeyValues<Keys>
    : never;
};

/** Values of one table by code name, while they are put together. */
export type TableValues = Record<string, unknown>;

/** The tables of one section: exactly one unless the section repeats. */
export interface SectionTables {
  readonly section: Section;
  readonly tables: TableValues[];
}
