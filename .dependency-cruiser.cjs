// Who may import whom: the allow-list of ARCHITECTURE.md. A library is entered through its index.ts (or module.ts).
const L0 = [];
const L1 = ['kernel'];
const allowed = {
  kernel: L0,
  models: L1,
  encoding: L1,
  influxql: L1,
  config: L1,
  queue: ['kernel', 'encoding'],
  meta: ['kernel', 'config', 'models', 'influxql'],
  'series-index': ['kernel', 'config', 'models', 'encoding'],
  tsm: ['kernel', 'config', 'models', 'encoding'],
  tsdb: ['kernel', 'config', 'models', 'encoding', 'series-index', 'tsm'],
  query: ['kernel', 'config', 'models', 'influxql'],
  coordinator: ['kernel', 'config', 'models', 'encoding', 'influxql', 'queue', 'meta', 'series-index', 'tsm', 'tsdb', 'query'],
  inputs: ['kernel', 'config', 'models', 'encoding', 'queue'],
  subscriber: ['kernel', 'config', 'models', 'encoding', 'influxql', 'queue', 'meta', 'series-index', 'tsm', 'tsdb', 'query', 'coordinator'],
  monitor: ['kernel', 'config', 'models', 'encoding', 'influxql', 'queue', 'meta', 'series-index', 'tsm', 'tsdb', 'query', 'coordinator'],
  jobs: ['kernel', 'config', 'models', 'encoding', 'influxql', 'queue', 'meta', 'series-index', 'tsm', 'tsdb', 'query', 'coordinator'],
  httpd: ['kernel', 'config', 'models', 'encoding', 'influxql', 'queue', 'meta', 'series-index', 'tsm', 'tsdb', 'query', 'coordinator', 'monitor'],
};
const libs = Object.keys(allowed);
const test = '\\.(spec|bench)\\.ts$';
const forbidden = [
  { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
  {
    name: 'libs-never-import-apps',
    severity: 'error',
    from: { path: '^libs/' },
    to: { path: '^apps/' },
  },
  {
    name: 'pure-zone-has-no-framework',
    comment: 'Layers 0-4 run without Nest, RxJS or Fastify.',
    severity: 'error',
    from: { path: `^libs/(${libs.filter((l) => !['inputs', 'subscriber', 'monitor', 'jobs', 'httpd'].includes(l)).join('|')})/`, pathNot: test },
    to: { path: 'node_modules/(@nestjs|rxjs|fastify)' },
  },
  {
    name: 'framework-in-modules-and-controllers-only',
    severity: 'error',
    from: { path: '^libs/', pathNot: '(\\.module|\\.controller|/module|\\.spec)\\.ts$' },
    to: { path: 'node_modules/@nestjs' },
  },
  ...libs.map((lib) => ({
    name: `layer-${lib}`,
    severity: 'error',
    from: { path: `^libs/${lib}/`, pathNot: test },
    to: { path: '^libs/', pathNot: `^libs/(${[lib, ...allowed[lib]].join('|')})/` },
  })),
  {
    name: 'enter-a-lib-through-its-index',
    severity: 'error',
    from: { path: '^(libs/([^/]+)|apps|test|bench)/' },
    to: { path: '^libs/([^/]+)/', pathNot: '^libs/($2)/|^libs/[^/]+/(index|module)\\.ts$' },
  },
  {
    name: 'production-code-has-no-tests',
    severity: 'error',
    from: { path: '^(libs|apps)/', pathNot: `${test}|/testing/` },
    to: { path: '^test/' },
  },
];
module.exports = {
  forbidden,
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
