/** Counters of remote write and remote read, `prometheus` in SHOW STATS. Names are ours: InfluxDB counts requests in httpd only. */

/** Plain numbers, read at any time. */
export interface PrometheusStatistics {
  writeReq: number;
  writeReqFail: number;
  /** Bytes of bodies as sent, and decompressed. */
  bytesRx: number;
  bytesDecompressed: number;
  /** Samples received, and stored. */
  pointsRx: number;
  pointsTx: number;
  nanDropped: number;
  staleDropped: number;
  positiveInfinityDropped: number;
  negativeInfinityDropped: number;
  exemplarsDropped: number;
  histogramsDropped: number;
  metadataDropped: number;
  readReq: number;
  readReqFail: number;
  readReqActive: number;
  readReqWaiting: number;
  /** Reads whose client went away. */
  readReqCancelled: number;
  readSeries: number;
  readSamples: number;
  readRespBytes: number;
  /** Series left out because their field holds strings. */
  readStringsSkipped: number;
}

/** Counters at zero. */
export const newPrometheusStatistics = (): PrometheusStatistics => ({
  writeReq: 0,
  writeReqFail: 0,
  bytesRx: 0,
  bytesDecompressed: 0,
  pointsRx: 0,
  pointsTx: 0,
  nanDropped: 0,
  staleDropped: 0,
  positiveInfinityDropped: 0,
  negativeInfinityDropped: 0,
  exemplarsDropped: 0,
  histogramsDropped: 0,
  metadataDropped: 0,
  readReq: 0,
  readReqFail: 0,
  readReqActive: 0,
  readReqWaiting: 0,
  readReqCancelled: 0,
  readSeries: 0,
  readSamples: 0,
  readRespBytes: 0,
  readStringsSkipped: 0,
});
