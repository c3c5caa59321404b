import { type CqFlow, flowsToIgnore } from './circles.js';

/** A query of one place: `a b > c` reads a and b and writes c. */
function flow(text: string): CqFlow {
  const [reads = '', writes = ''] = text.split('>').map((part) => part.trim());
  const names = reads.split(' ');
  const isSource = (name: string): boolean => names.includes('*') || names.includes(name);
  return { sources: new Map([['p', isSource]]), targetPlace: 'p', targetName: writes };
}

/** For each query, the numbers of those that it is not watched over. */
const f = (...texts: readonly string[]): readonly (readonly number[])[] => {
  const flows = texts.map(flow);
  return flowsToIgnore(flows).map((ignored) => ignored.map((one) => flows.indexOf(one)));
};

describe('flowsToIgnore', () => {
  it.each<[readonly string[], readonly (readonly number[])[]]>([
    [[], []],
    [['m > x'], [[]]],
    [['m > m'], [[0]]],
    [['* > x'], [[0]]],
    // Whoever may write anything may write what it reads.
    [['m >'], [[0]]],
    [
      ['m > x', 'x > y', 'y > z'],
      [[], [], []],
    ],
    [
      ['y > z', 'x > y', 'm > x'],
      [[], [], []],
    ],
    [
      ['m y > x', 'x > y'],
      [[0, 1], [1]],
    ],
    [
      ['m x > y', 'y > z', 'z > x', 'z > w', 'w > v'],
      [[0, 1, 2], [1, 2], [2], [], []],
    ],
    [
      ['a > b', 'b > a', 'c > d', 'd > c'],
      [[0, 1], [1], [2, 3], [3]],
    ],
  ])('%j', (texts, ignored) => {
    expect(f(...texts)).toEqual(ignored);
  });

  it('tells places apart', () => {
    const other = { ...flow('y > x'), targetPlace: 'q' };
    expect(flowsToIgnore([flow('x > y'), other])).toEqual([[], []]);
  });

  it('leaves no way back to where it began', () => {
    // What is left: an edge from a writer to a reader that is watched over it.
    const flows = ['a d > b', 'b > c', 'c a > d', 'd > a', 'b > e'].map(flow);
    const ignored = flowsToIgnore(flows);
    const left = flows.map((writer) =>
      flows.flatMap((reader, i) => {
        const isFed = reader.sources.get('p')?.(writer.targetName) === true;
        return isFed && !ignored[i].includes(writer) ? [i] : [];
      }),
    );
    const leads = (from: number, to: number, steps: number): boolean =>
      steps > 0 && left[from].some((next) => next === to || leads(next, to, steps - 1));
    for (const i of flows.keys()) expect(leads(i, i, 6)).toBe(false);
  });
});
