export { type CoordinatorConfig, coordinatorSection } from './coordinator.config.js';
