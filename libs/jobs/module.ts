export { JobScheduler, type JobSet, JobsModule } from './jobs.module.js';
