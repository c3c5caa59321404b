export { type DataConfig, dataSection } from './data.config.js';
