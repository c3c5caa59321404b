/** Metrics of listeners, and of Prometheus' remote write and read. */
import { counter, gauge, type PartMetrics } from './metric-definition.js';

/** What listeners count; the label `input` says which kind. */
export const inputFields: PartMetrics['fields'] = {
  pointsRx: counter('input_points_received', 'Points received.'),
  tlPointsRx: counter('input_points_received', 'Points received.'),
  bytesRx: counter('input_received_bytes', 'Bytes received.'),
  tlBytesRx: counter('input_received_bytes', 'Bytes received.'),
  pointsParseFail: counter('input_parse_failures', 'Pieces of input that could not be read.'),
  readFail: counter('input_read_failures', 'Reads from sockets that failed.'),
  tlReadErr: counter('input_read_failures', 'Reads from sockets that failed.'),
  batchesTx: counter('input_batches_stored', 'Batches stored.'),
  batchesTxFail: counter('input_batches_failed', 'Batches not stored in full.'),
  pointsTx: counter('input_points_stored', 'Points stored.'),
  pointsNaNFail: counter('input_points_nan', 'Points left out because they are no number.'),
  droppedPointsInvalid: counter('input_points_invalid', 'Points that make no valid point.'),
  kernelDrops: counter('input_kernel_drops', 'Datagrams that the kernel dropped.'),
  connsActive: gauge('input_connections', 'Connections.'),
  connsHandled: counter('input_connections_accepted', 'Connections taken.'),
  connsRefused: counter('input_connections_refused', 'Connections beyond the limit.'),
  tlConnsActive: gauge('input_telnet_connections', 'Connections that speak the telnet protocol.'),
  tlConnsHandled: counter('input_telnet_connections_accepted', 'Telnet connections taken.'),
  httpConnsHandled: counter('input_http_connections_accepted', 'HTTP connections taken.'),
  tlBadLine: counter('input_bad_lines', 'Lines that are no point, by what is wrong.', {
    reason: 'line',
  }),
  tlBadTime: counter('input_bad_lines', 'Lines that are no point, by what is wrong.', {
    reason: 'time',
  }),
  tlBadTag: counter('input_bad_lines', 'Lines that are no point, by what is wrong.', {
    reason: 'tag',
  }),
  tlBadFloat: counter('input_bad_lines', 'Lines that are no point, by what is wrong.', {
    reason: 'float',
  }),
};

/** Labels of listeners by tag. */
export const inputLabels = { bind: 'bind', proto: 'protocol' };

const leftOut = (reason: string) =>
  counter('prometheus_samples_left_out', 'Samples and the like that are not stored, by kind.', {
    reason,
  });

/** Remote write and remote read, besides what all inputs count. */
export const prometheusFields: PartMetrics['fields'] = {
  bytesDecompressed: counter('prometheus_decompressed_bytes', 'Bytes of bodies, decompressed.'),
  nanDropped: leftOut('nan'),
  staleDropped: leftOut('stale'),
  positiveInfinityDropped: leftOut('+inf'),
  negativeInfinityDropped: leftOut('-inf'),
  exemplarsDropped: leftOut('exemplar'),
  histogramsDropped: leftOut('histogram'),
  metadataDropped: leftOut('metadata'),
  writeReq: counter('prometheus_writes', 'Remote writes.'),
  writeReqFail: counter('prometheus_write_failures', 'Remote writes that failed.'),
  readReq: counter('prometheus_reads', 'Remote reads.'),
  readReqFail: counter('prometheus_read_failures', 'Remote reads that failed.'),
  readReqCancelled: counter('prometheus_reads_cancelled', 'Remote reads whose client went away.'),
  readReqActive: gauge('prometheus_reads_active', 'Remote reads that run.'),
  readReqWaiting: gauge('prometheus_reads_waiting', 'Remote reads that wait for their turn.'),
  readRespBytes: counter('prometheus_read_response_bytes', 'Bytes of answers to remote reads.'),
  readSamples: counter('prometheus_read_samples', 'Samples read.'),
  readSeries: counter('prometheus_read_series', 'Series read.'),
  readStringsSkipped: counter('prometheus_read_strings_skipped', 'Strings, which are no samples.'),
};
