// Prints the plain closing line of a test run over the projects named as arguments: "N passed, N failed, N skipped".
import { readFileSync } from 'node:fs';

interface JestResult {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numRuntimeErrorTestSuites: number;
}

const results = process.argv
  .slice(2)
  .map((project) => JSON.parse(readFileSync(`build/tests/${project}.json`, 'utf8')) as JestResult);
const sum = (count: (result: JestResult) => number): number =>
  results.reduce((total, result) => total + count(result), 0);
const passed = sum((result) => result.numPassedTests);
// A suite that could not even start has no tests to count, and is a failure all the same.
const failed = sum((result) => result.numFailedTests + result.numRuntimeErrorTestSuites);
const skipped = sum((result) => result.numPendingTests);

process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exit(failed > 0 || passed === 0 ? 1 : 0);
