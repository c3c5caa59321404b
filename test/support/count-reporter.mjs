// Prints one plain `N passed, N failed` line from the real results, for runs that read counts by line.
export default class CountReporter {
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    process.stderr.write(`tests: ${results.numPassedTests} passed, ${failed} failed\n`);
  }
}
