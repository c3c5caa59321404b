/** Empty texts and zeros in a table stand for the default, in those keys in which InfluxDB takes them so. */
import type { KeyValues, Section, SectionKeys } from '#config';

/**
 * The values of a table with its section's defaults in place of what is '' or 0.
 * @param names keys for which that holds
 * @see InfluxDB services: Config.WithDefaults
 */
export function withDefaults<Keys extends SectionKeys>(
  { keys }: Section<Keys, true>,
  values: KeyValues<Keys>,
  names: readonly (keyof Keys)[],
): KeyValues<Keys> {
  const filled = names
    .filter((name) => values[name] === '' || values[name] === 0)
    .map((name) => [name, keys[name].defaultValue]);
  return { ...values, ...(Object.fromEntries(filled) as Partial<KeyValues<Keys>>) };
}
