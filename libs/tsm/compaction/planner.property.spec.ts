import fc from 'fast-check';
import { compareTsmFileIds, FILE_MAX_BYTES, parseTsmFileName, tsmFileName } from '../tsm-format.js';
import { type CompactionPlan, planCompactions, type PlannedFile } from './planner.js';

/** `3-1` a file, `3-1t` with tombstones, `3-1*` busy, `3-1:100` of 100 MB; 1 MB unless said. */
function fileOf(text: string): PlannedFile {
  const [, generation, sequence, marks, size] = /^(\d+)-(\d+)([t*]*)(?::(\d+))?$/.exec(text)!;
  const id = { generation: Number(generation), sequence: Number(sequence) };
  return {
    path: tsmFileName(id),
    id,
    sizeBytes: Number(size ?? 1) * 1e6,
    hasTombstones: marks!.includes('t'),
    isBusy: marks!.includes('*'),
  };
}

const short = (path: string): string => {
  const id = parseTsmFileName(path)!;
  return `${id.generation}-${id.sequence}`;
};
const plansOf = (files: string, full = false): string[] =>
  planCompactions(files.split(' ').filter(Boolean).map(fileOf), { full }).map(
    ({ kind, paths, repack }) => `${kind}${repack ? '+' : ''}: ${paths.map(short).join(' ')}`,
  );

const level1 = '1-1 2-1 3-1 4-1 5-1 6-1 7-1 8-1';

test.each<[string, string, string[]]>([
  ['nothing', '', []],
  ['seven snapshots wait for the eighth', '1-1 2-1 3-1 4-1 5-1 6-1 7-1', []],
  ['eight snapshots', level1, [`level-1: ${level1}`]],
  ['the ninth waits', `${level1} 9-1`, [`level-1: ${level1}`]],
  ['in any order', '8-1 7-1 6-1 5-1 4-1 3-1 2-1 1-1', [`level-1: ${level1}`]],
  ['four of level 2', '8-2 16-2 24-2 32-2 33-1', ['level-2: 8-2 16-2 24-2 32-2']],
  ['four of level 3 are repacked', '8-3 16-3 24-3 32-3', ['level-3+: 8-3 16-3 24-3 32-3']],
  ['levels side by side', `4-3 5-3 6-3 7-3 8-2 9-2`, ['level-3+: 4-3 5-3 6-3 7-3']],
  [
    'several files of a generation go together',
    '1-2 1-3 2-2 3-2 4-2',
    ['level-2: 1-2 1-3 2-2 3-2 4-2'],
  ],
  [
    'an orphan between higher levels goes with the run before it',
    '1-2 2-1 3-2 4-2 5-2',
    ['level-2: 1-2 2-1 3-2 4-2'],
  ],
  ['an orphan at the head', '1-1 2-2 3-2 4-2', ['level-2: 1-1 2-2 3-2 4-2']],
  ['a busy generation is not reached over', '1-2 2-2 3-2* 4-2 5-2', []],
  ['deletions are applied early', '1-2 2-2t', ['level-2: 1-2 2-2t'.replace('t', '')]],
  ['four of level 4', '1-4 2-4 3-5 4-4', ['optimize+: 1-4 2-4 3-5 4-4']],
  ['a much larger one in front is left', '1-4:100 2-4 3-4 4-4 5-4', ['optimize+: 2-4 3-4 4-4 5-4']],
  ['unless it has deletions', '1-4t:100 2-4', ['optimize+: 1-4 2-4']],
  ['as large as files get', '1-4:2200 2-4 3-4 4-4', []],
])('%s', (_name, files, want) => expect(plansOf(files)).toEqual(want.map((each) => each)));

test.each<[string, string, string[]]>([
  ['everything', '1-4 2-3 3-1', ['full+: 1-4 2-3 3-1']],
  ['a single generation is done', '1-4', []],
  ['unless it has deletions', '1-4t', ['full+: 1-4']],
  ['what is as large as files get stays', '1-4:2200 2-3 3-1', ['full+: 2-3 3-1']],
  ['nor is a single one behind it touched', '1-4:2200 2-3', []],
  ['not in the middle: its values must not be passed', '1-1 2-4:2200 3-1', ['full+: 1-1 2-4 3-1']],
  ['not while one is busy', '1-4 2-3* 3-1', []],
])('full: %s', (_name, files, want) => expect(plansOf(files, true)).toEqual(want));

const planned = fc
  .array(
    fc.record({
      sequence: fc.integer({ min: 1, max: 6 }),
      count: fc.integer({ min: 1, max: 2 }),
      megabytes: fc.integer({ min: 1, max: 3000 }),
      hasTombstones: fc.boolean(),
      isBusy: fc.boolean(),
    }),
    { maxLength: 40 },
  )
  .map((generations) =>
    generations.flatMap(({ sequence, count, megabytes, hasTombstones, isBusy }, i): PlannedFile[] =>
      Array.from({ length: count }, (_, k) => {
        const id = { generation: i + 1, sequence: sequence + k };
        return { path: tsmFileName(id), id, sizeBytes: megabytes * 1e6, hasTombstones, isBusy };
      }),
    ),
  );

/** The files once a plan has been carried out. */
function afterPlan(files: readonly PlannedFile[], plan: CompactionPlan): PlannedFile[] {
  const inputs = files
    .filter(({ path }) => plan.paths.includes(path))
    .sort((a, b) => compareTsmFileIds(a.id, b.id));
  const last = inputs[inputs.length - 1]!.id;
  let left = inputs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const outputs: PlannedFile[] = [];
  for (let sequence = last.sequence + 1; left > 0; sequence++) {
    const id = { generation: last.generation, sequence };
    const sizeBytes = Math.min(left, FILE_MAX_BYTES);
    outputs.push({ path: tsmFileName(id), id, sizeBytes, hasTombstones: false, isBusy: false });
    left -= sizeBytes;
  }
  return [...files.filter(({ path }) => !plan.paths.includes(path)), ...outputs];
}

test('planning comes to an end, and plans are of neighbours', () => {
  fc.assert(
    fc.property(planned, fc.boolean(), (start, full) => {
      let files: PlannedFile[] = start;
      for (let round = 0; ; round++) {
        expect(round).toBeLessThan(80);
        const plans = planCompactions(files, { full });
        if (plans.length === 0) break;
        const taken = plans.flatMap(({ paths }) => paths);
        expect(new Set(taken).size).toBe(taken.length);
        const order = [...files]
          .sort((a, b) => compareTsmFileIds(a.id, b.id))
          .map(({ path }) => path);
        for (const { paths } of plans) {
          const at = order.indexOf(paths[0]!);
          expect(order.slice(at, at + paths.length)).toEqual(paths);
        }
        for (const plan of plans) {
          expect(files.some(({ path, isBusy }) => isBusy && plan.paths.includes(path))).toBe(false);
          files = afterPlan(files, plan);
        }
      }
      if (full && !files.some(({ isBusy }) => isBusy)) {
        expect(files.some(({ hasTombstones }) => hasTombstones)).toBe(false);
      }
    }),
    { numRuns: 1000 },
  );
});
