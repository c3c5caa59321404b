// One configuration for all suites: ESM through swc, aliases to the sources. Workers come from dist, so build first.
const shared = {
  rootDir: import.meta.dirname,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: false },
        },
        module: { type: 'es6' },
      },
    ],
  },
  moduleNameMapper: {
    '^#test-support$': '<rootDir>/test/support/index.ts',
    '^#([a-z-]+)/module$': '<rootDir>/libs/$1/module.ts',
    '^#([a-z-]+)/testing$': '<rootDir>/libs/$1/testing/index.ts',
    '^#([a-z-]+)$': '<rootDir>/libs/$1/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  testEnvironment: 'node',
  setupFiles: ['<rootDir>/test/support/property-seed.ts'],
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

export default {
  maxWorkers: 2,
  // No test is about time: this ends what hangs, on a machine however busy.
  testTimeout: 120_000,
  reporters: ['default', '<rootDir>/test/support/count-reporter.mjs'],
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: [
        '<rootDir>/libs/**/*.spec.ts',
        '<rootDir>/apps/**/*.spec.ts',
        '<rootDir>/test/tidy.spec.ts',
      ],
    },
    {
      ...shared,
      displayName: 'system',
      testMatch: [
        '<rootDir>/test/e2e/**/*.spec.ts',
        '<rootDir>/test/compat/**/*.spec.ts',
        '<rootDir>/test/query/**/*.spec.ts',
        '<rootDir>/test/crash/**/*.spec.ts',
        '<rootDir>/test/corruption/**/*.spec.ts',
      ],
    },
  ],
};
