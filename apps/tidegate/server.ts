/**
 * Opens and closes the parts of the server from one list, in order. Knows nothing of what the parts do.
 */
import { type Logger, messageOf } from '#kernel';
import { ServerError } from './errors.js';

/** A part of the server. */
export interface ServerPart {
  /** As error texts name it, `service: graphite`. */
  readonly name: string;
  open(): Promise<void> | void;
  close(): Promise<void> | void;
  /** Whether it closes before the others: what takes requests has to stop first, though it opened early. */
  readonly closesFirst?: boolean;
}

/** A list of parts. */
export class Server {
  private readonly opened: ServerPart[] = [];

  constructor(
    private readonly parts: readonly ServerPart[],
    private readonly logger: Logger,
  ) {}

  /**
   * Opens the parts in order. When one fails, those that were opened are closed again.
   * @param onPart called before each part with its name and place
   * @throws ServerError with the part's name
   */
  async open(
    onPart: (name: string, done: number, total: number) => void = () => undefined,
  ): Promise<void> {
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      onPart(part.name, i, this.parts.length);
      try {
        await part.open();
        this.opened.push(part);
      } catch (error) {
        await this.close();
        throw ServerError.opening(part.name, error);
      }
    }
  }

  /** Closes what was opened: parts that close first in their order, then the rest in reverse. All get their turn. */
  async close(): Promise<void> {
    const opened = this.opened.splice(0);
    const order = [
      ...opened.filter((part) => part.closesFirst === true),
      ...opened.filter((part) => part.closesFirst !== true).reverse(),
    ];
    for (const part of order) {
      try {
        await part.close();
      } catch (error) {
        this.logger.error('Part did not close cleanly', {
          part: part.name,
          error: messageOf(error),
        });
      }
    }
  }
}
