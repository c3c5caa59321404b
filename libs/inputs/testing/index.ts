export {
  assertBalanced,
  type ConformanceCheck,
  conformanceChecks,
  type ConformanceSubject,
} from './conformance.js';
export { type BareDecoder, bareDecoders } from './bare-decoders.js';
export { fuzzInput, type FuzzSubject, type InputFuzzReport, mutations } from './fuzz.js';
export {
  benchInput,
  type InputBench,
  inputConfig,
  sendTcp,
  sendUdp,
  until,
} from './input-bench.js';
export { MemorySink } from './memory-sink.js';
