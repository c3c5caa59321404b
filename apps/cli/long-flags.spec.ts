import { longFlags } from './long-flags.js';

describe('longFlags', () => {
  it.each([
    [
      ['-config', 'a.toml'],
      ['--config', 'a.toml'],
    ],
    [
      ['run', '--config', 'a', '-pidfile=x'],
      ['run', '--config', 'a', '--pidfile=x'],
    ],
    [
      ['-h', '-1', '-'],
      ['-h', '-1', '-'],
    ],
    [
      ['a', '--', '-config'],
      ['a', '--', '-config'],
    ],
  ])('%j', (given, wanted) => {
    expect(longFlags(given)).toEqual(wanted);
  });
});
