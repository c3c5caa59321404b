/** Counters of the HTTP server under InfluxDB 1.x's names; see the README. */

/** Names of the counters. */
export const httpdCounters = [
  'req',
  'queryReq',
  'writeReq',
  'pingReq',
  'statusReq',
  'writeReqBytes',
  'queryRespBytes',
  'pointsWrittenOK',
  'valuesWrittenOK',
  'pointsWrittenDropped',
  'pointsWrittenFail',
  'authFail',
  'reqDurationNs',
  'queryReqDurationNs',
  'writeReqDurationNs',
  'reqActive',
  'writeReqActive',
  'clientError',
  'serverError',
  'recoveredPanics',
  'promWriteReq',
  'promReadReq',
  'fluxQueryReq',
  'fluxQueryReqDurationNs',
  'fluxQueryRespBytes',
] as const;

/** One of {@link httpdCounters}. */
export type HttpdCounter = (typeof httpdCounters)[number];

/** The counters' values. Plain numbers, read at any time. */
export type HttpdStatistics = Record<HttpdCounter, number>;

/** Counters at zero. */
export function newHttpdStatistics(): HttpdStatistics {
  return Object.fromEntries(httpdCounters.map((name) => [name, 0])) as HttpdStatistics;
}
