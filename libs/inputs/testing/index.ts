export {
  assertBalanced,
  type ConformanceCheck,
  conformanceChecks,
  type ConformanceSubject,
} from './conformance.js';
export { fuzzInput, type FuzzSubject, type InputFuzzReport } from './fuzz.js';
export {
  benchInput,
  type InputBench,
  inputConfig,
  sendTcp,
  sendUdp,
  until,
} from './input-bench.js';
export { MemorySink } from './memory-sink.js';
