export { type MetaConfig, metaSection } from './meta.config.js';
