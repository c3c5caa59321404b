export {
  type ContinuousQueriesConfig,
  type PrecreationConfig,
  type RetentionConfig,
  continuousQueriesSection,
  precreationSection,
  retentionSection,
} from './jobs.config.js';
