export { ConfigError } from './errors.js';
export {
  type ConfigKey,
  type ConfigKind,
  booleanKey,
  choiceKey,
  durationKey,
  fileModeKey,
  integerKey,
  otherKeys,
  sizeKey,
  stringKey,
  stringListKey,
  stringTableKey,
} from './config-key.js';
export {
  type ConfigOf,
  type KeyValues,
  type Section,
  type SectionKeys,
  type SectionRegistry,
  type SectionValues,
  defineListSection,
  defineSection,
} from './section.js';
export { type LoadedConfig, loadConfig, loadTable } from './load-config.js';
export { type Environment } from './environment.js';
export { formatConfig, formatSample } from './format-config.js';
export { findConfigFile, readConfigFile } from './config-file.js';
