// Unit tests stand beside the code and need nothing; integration and ha tests need a running cluster.
const shared = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2024' }, module: { type: 'es6' } },
    ],
  },
};

// Faults and care of single engines, minutes each: part of `make test-ha`, not of `make test`.
const LONG = 'test/integration/(cassandra-care|mysql-bad-days|postgresql-faults|renewal)\\.test\\.ts$';

export default {
  // A busy machine is not a failure.
  testTimeout: 30_000,
  workerIdleMemoryLimit: '512MB',
  maxWorkers: 2,
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/{src,scripts,test}/**/*.test.ts'],
      testPathIgnorePatterns: ['<rootDir>/test/(integration|ha)/'],
    },
    {
      ...shared,
      displayName: 'integration',
      testMatch: ['<rootDir>/test/integration/**/*.test.ts'],
      testPathIgnorePatterns: [LONG],
    },
    { ...shared, displayName: 'engines', testRegex: [LONG] },
    { ...shared, displayName: 'ha', testMatch: ['<rootDir>/test/ha/**/*.test.ts'] },
  ],
};
