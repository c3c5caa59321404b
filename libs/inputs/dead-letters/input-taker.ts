/** Letters through an input of their own: one of the listener's definition and table that never listens. */
import type { Clock } from '#kernel';
import { InputError } from '../shared/errors.js';
import type { Input, InputContext } from '../shared/input.js';
import type { DeadLetter } from './dead-letters.js';
import type { LetterTaker } from './replay-letters.js';

/**
 * A taker, or null where the input cannot take anything again. Points without a time get that of their letter.
 * @param create makes the input in a context
 */
export function inputTaker(
  create: (context: InputContext) => Input,
  context: InputContext,
): LetterTaker | null {
  const clock = new LetterClock(context.clock);
  // What is rejected again is a letter already.
  const input = create({ ...context, clock, rejects: { reject: () => undefined } });
  if (input.replay === undefined) return null;
  return {
    async take(letter: DeadLetter) {
      if (input.replay === undefined)
        throw new InputError('inputs.no-replay', `${input.kind} cannot replay`);
      clock.nowIsNs = letter.timeNs;
      await input.replay(letter.raw, letter.peer, letter.target);
    },
    books: () => input.ledger.snapshot(),
    close: () => input.close(),
  };
}

/** Says that it is the time at which a letter came in. */
export class LetterClock implements Clock {
  nowIsNs = 0n;

  constructor(private readonly clock: Clock) {}

  nowNs(): bigint {
    return this.nowIsNs;
  }

  monotonicMs(): number {
    return this.clock.monotonicMs();
  }
}
