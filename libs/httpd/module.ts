export { createHttpAdapter, HttpdModule, mountRoutes } from './httpd.module.js';
