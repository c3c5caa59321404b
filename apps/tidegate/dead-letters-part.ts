/** Dead letters as a part of the server: where they lie, who takes them once more, and their routes. */
import { LineWriter, type PointsWriter } from '#coordinator';
import {
  deadLetterRoutes,
  DeadLetters,
  IngestLedger,
  LetterClock,
  type LetterTaker,
  type LettersRoute,
  LINE_FORM,
  type RejectSink,
  type TakerSource,
} from '#inputs';
import type { Clock, FileSystem, Logger } from '#kernel';
import { padBody, precisionOf, type ShapeTable } from '#models';
import type { Store } from '#tsdb';
import type { ServerConfig } from './config-registry.js';
import { FORWARDED_FORM } from './refused-lines.js';
import type { ServerPart } from './server.js';

/** What it stands on. */
export interface DeadLettersPartOptions {
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What replaying stands on. */
export interface ReplayParts {
  readonly store: Store;
  readonly writer: PointsWriter;
  readonly shapes: ShapeTable;
  /** Takers of listeners. */
  readonly inputs: TakerSource;
  /** Makes takers of remote write's bodies. */
  readonly prometheus: () => LetterTaker;
  /** Makes takers of lines that subscribers have refused. */
  readonly subscriber: () => LetterTaker;
  /** The books of all replays. */
  readonly books: IngestLedger;
}

/** See the header. */
export class DeadLettersPart implements ServerPart {
  readonly name = 'dead letters';
  readonly letters: DeadLetters;

  constructor(
    private readonly config: ServerConfig,
    private readonly options: DeadLettersPartOptions,
  ) {
    const { deadLetters, data } = config;
    const { files, clock, logger } = options;
    this.letters = new DeadLetters({
      config: deadLetters,
      directory: deadLetters.dir || `${data.dir.replace(/\/+$/, '')}-deadletters`,
      files,
      clock,
      logger: logger.with({ service: 'deadletters' }),
    });
  }

  /** Keeps what HTTP's /write rejects, where that is wanted. */
  get httpRejects(): RejectSink {
    const { letters } = this;
    return this.config.deadLetters.isHttpKept ? letters : { reject: () => undefined };
  }

  open(): Promise<void> {
    return this.letters.open();
  }

  close(): Promise<void> {
    return this.letters.close();
  }

  /** The routes; none where nothing is kept. */
  routes(parts: ReplayParts): readonly LettersRoute[] {
    if (!this.config.deadLetters.isEnabled) return [];
    return deadLetterRoutes(this.letters, (listener, form) => {
      // What is sent to others is in no books of ours.
      if (form === FORWARDED_FORM) return parts.subscriber();
      const taker = this.takerFor(parts, listener, form);
      return taker === null ? null : booked(taker, parts.books);
    });
  }

  private takerFor(parts: ReplayParts, listener: string, form: string): LetterTaker | null {
    if (listener === 'http' || form === LINE_FORM) return this.lineTaker(parts);
    return listener === 'prometheus' ? parts.prometheus() : parts.inputs(listener, form);
  }

  /** Lines of /write, and points that storage refused, into the database that they were sent to. */
  private lineTaker({ store, writer, shapes }: ReplayParts): LetterTaker {
    const clock = new LetterClock(this.options.clock);
    const lines = new LineWriter({ store, writer, shapes, clock });
    const ledger = new IngestLedger('http', clock);
    return {
      async take({ raw, target, timeNs, listener, peer }) {
        clock.nowIsNs = timeNs;
        const { database = '', retentionPolicy = '', precision = '' } = target;
        await lines.write({
          database,
          retentionPolicy,
          precision: precisionOf(precision),
          body: padBody(raw),
          length: raw.length,
          books: ledger,
          source: { listener, peer },
        });
      },
      books: () => ledger.snapshot(),
      close: () => Promise.resolve(),
    };
  }
}

/** A taker whose books go into those of all replays when it is done. */
function booked(taker: LetterTaker, into: IngestLedger): LetterTaker {
  return {
    take: (letter) => taker.take(letter),
    books: () => taker.books(),
    async close() {
      await taker.close();
      const { received, stored, rejected, dropped } = taker.books();
      into.receive(received);
      into.store(stored);
      for (const { name, count } of rejected) into.refuse(count, name);
      for (const { name, count } of dropped) into.drop(count, name);
    },
  };
}
