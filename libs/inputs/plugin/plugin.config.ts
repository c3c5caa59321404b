/** The `[[plugin]]` sections: inputs that do not come with Tidegate. */
import { booleanKey, defineListSection, otherKeys, type SectionValues, stringKey } from '#config';

/** Declaration of `[[plugin]]`. Not in InfluxDB. */
export const pluginSection = defineListSection({
  name: 'plugin',
  doc: 'An input that does not come with Tidegate (docs/plugins.md). May be repeated. Not in InfluxDB.',
  keys: {
    packageName: stringKey('package', '', {
      doc: 'An npm package, or the path of a folder or file, absolute or relative to this file. Empty means none.',
    }),
    isEnabled: booleanKey('enabled', true, { doc: 'Whether it is loaded.' }),
    others: otherKeys({ doc: "All other keys of the table are the plugin's own." }),
  },
});

/** Values of one `[[plugin]]`. */
export type PluginConfig = SectionValues<typeof pluginSection>;
