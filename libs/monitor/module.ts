export { MonitorModule, RecorderScheduler } from './monitor.module.js';
