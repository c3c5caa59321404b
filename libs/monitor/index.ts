export { type MonitorConfig, monitorSection } from './monitor.config.js';
