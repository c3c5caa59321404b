export { SeriesIndex, SeriesLimitError, type SeriesLimits, ALIASES_MAX } from './series-index.js';
export { Measurement, TagColumn } from './measurement.js';
