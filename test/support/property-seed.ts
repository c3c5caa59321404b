/**
 * With FC_SEED set, every property runs from that seed, so that a run can be repeated as it was; without it each run is new.
 */
const seed = process.env['FC_SEED'];
if (seed !== undefined) {
  const { configureGlobal } = await import('fast-check');
  configureGlobal({ seed: Number(seed) });
}

export {};
