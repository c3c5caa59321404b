export { type HttpConfig, type TlsConfig, httpSection, tlsSection } from './httpd.config.js';
export { HttpError } from './errors.js';
export {
  type ConsistencyLevel,
  type HttpRoute,
  type HttpRouteRequest,
  type HttpRouteResult,
  type QueryEvent,
  type QueryMessage,
  type QueryRequest,
  type QueryService,
  type Readiness,
  type ResultGrain,
  type RoutePrivilege,
  type SelfKnowledge,
  type StatisticsEntry,
  type UserDirectory,
  type WriteOutcome,
  type WriteRequest,
  type WriteService,
} from './ports.js';
export { HttpService, type HttpServiceContext, type HttpServicePorts } from './http-service.js';
export { type BindAddress, parseBindAddress } from './bind-address.js';
export { type HttpdParts } from './tokens.js';
export { INFLUXDB_VERSION, REPORTED_VERSION, TIDEGATE_VERSION } from './version.js';
export { type HttpdCounter, httpdCounters } from './statistics.js';
export { readTlsOptions } from './tls-options.js';
