/** What was in a remote write request, by what becomes of it. Filled by the WriteDecoder, booked by the WriteHandler. */

/** Counts of one request. */
export interface WriteTally {
  /** Samples, whatever becomes of them. */
  samples: number;
  /** Points made of them. */
  points: number;
  /** Samples left out because they are no finite numbers. */
  nan: number;
  stale: number;
  positiveInfinity: number;
  negativeInfinity: number;
  /** What is left out whatever it holds. */
  exemplars: number;
  histograms: number;
  metadata: number;
  /** Samples that cannot be stored, and why the first of them cannot. */
  refused: number;
  refusal: string;
}

/** A tally of nothing. */
export const newTally = (): WriteTally => ({
  samples: 0,
  points: 0,
  nan: 0,
  stale: 0,
  positiveInfinity: 0,
  negativeInfinity: 0,
  exemplars: 0,
  histograms: 0,
  metadata: 0,
  refused: 0,
  refusal: '',
});

/** Kinds of what is left out, with the reasons that the books have for them. */
export const LEFT_OUT = {
  nan: 'NaN',
  stale: 'staleness marker',
  positiveInfinity: '+Inf',
  negativeInfinity: '-Inf',
  exemplars: 'exemplar',
  histograms: 'native histogram',
  metadata: 'metadata',
} as const;
