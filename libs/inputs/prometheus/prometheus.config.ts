/** `[prometheus]`: remote write and remote read over HTTP. The section is Tidegate's own; InfluxDB has no settings for them. */
import {
  booleanKey,
  defineSection,
  durationKey,
  integerKey,
  type SectionValues,
  sizeKey,
} from '#config';

/** Declaration of `[prometheus]`. */
export const prometheusSection = defineSection({
  name: 'prometheus',
  doc: 'Prometheus remote write and remote read, /api/v1/prom/write and /api/v1/prom/read. Not in InfluxDB.',
  keys: {
    isLossless: booleanKey('lossless', false, {
      doc: 'Whether NaN, infinities and staleness markers are kept, as bits in the integer field "value_bits", and read back. Otherwise they are dropped and counted, as InfluxDB does.',
    }),
    writeBodySizeMaxBytes: sizeKey('max-write-body-size', '0', {
      doc: 'Bytes that a remote write may have as sent; 0 means max-body-size of [http].',
    }),
    decompressedSizeMaxBytes: sizeKey('max-decompressed-size', '64m', {
      doc: 'Bytes that the body of a remote write or read may have when decompressed, labels of remote write 2.0 written out.',
    }),
    samplesPerWriteMax: integerKey('max-samples-per-write', 250_000, {
      doc: 'Samples that a remote write may have; about 350 bytes of memory each while series are new.',
    }),
    readsMax: integerKey('max-concurrent-reads', 10, {
      doc: 'Remote reads that run at one time; ten times as many may wait. 0 means no limit.',
    }),
    readTimeoutMs: durationKey('read-timeout', '1m', {
      doc: 'Longest time that a remote read may take, waiting included. 0 means no limit.',
    }),
    seriesPerReadMax: integerKey('max-series-per-read', 200_000, {
      doc: 'Series that a remote read may answer with. 0 means no limit.',
    }),
    samplesPerReadMax: integerKey('max-samples-per-read', 50_000_000, {
      doc: "Samples that a remote read may answer with; Prometheus' own default. 0 means no limit.",
    }),
    responseSizeMaxBytes: sizeKey('max-read-response-size', '256m', {
      doc: 'Bytes that an answer in one piece (SAMPLES) may have before compression. Streamed answers have no limit.',
    }),
  },
  check: (values) => {
    const limits: readonly [string, number][] = [
      ['max-decompressed-size', values.decompressedSizeMaxBytes],
      ['max-samples-per-write', values.samplesPerWriteMax],
      ['max-read-response-size', values.responseSizeMaxBytes],
    ];
    for (const [key, value] of limits) {
      if (value <= 0) return `${key} must be positive`;
    }
    return null;
  },
});

/** Values of `[prometheus]`. */
export type PrometheusConfig = SectionValues<typeof prometheusSection>;
