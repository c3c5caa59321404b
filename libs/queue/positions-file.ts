/**
 * Where readers are, in one small file that is replaced as a whole: a checksum of the rest in eight hexadecimal digits, a
 * newline, JSON. A file that is damaged is put aside; its readers then begin at the oldest record.
 */
import { crc32 } from '#encoding';
import { type FileSystem, type Logger, messageOf, replaceFile } from '#kernel';
import { type Mark, ORIGIN } from './record.js';

/** A stretch that a reader leaves out. */
export interface Skip {
  readonly from: Mark;
  readonly to: Mark;
}

/** What is kept of a reader. */
export interface ReaderState {
  readonly name: string;
  readonly position: Mark;
  /** Behind the position, in order, apart from each other. */
  readonly skips: readonly Skip[];
}

/** What the file says. */
export interface Positions {
  /** End of the queue when it was written. */
  readonly end: Mark;
  readonly readers: readonly ReaderState[];
}

/** Positions as loaded; `isLost` where there should be some and they cannot be read. */
export interface LoadedPositions extends Positions {
  readonly isLost: boolean;
}

const NONE: LoadedPositions = { end: ORIGIN, readers: [], isLost: false };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** See the header. */
export class PositionsFile {
  constructor(
    private readonly files: FileSystem,
    private readonly path: string,
    private readonly logger: Logger,
  ) {}

  async load(): Promise<LoadedPositions> {
    const { files, path, logger } = this;
    if ((await files.stat(path)) === null) return NONE;
    let reason = 'its checksum does not match';
    try {
      const found = decodePositions(await files.readFile(path));
      if (found !== null) return { ...found, isLost: false };
    } catch (error) {
      reason = messageOf(error);
    }
    logger.warn('Positions of a queue cannot be read; its readers begin anew', { path, reason });
    await files.rename(path, `${path}.bad`);
    return { ...NONE, isLost: true };
  }

  save(positions: Positions): Promise<void> {
    return replaceFile(this.files, this.path, encodePositions(positions));
  }
}

/** The bytes of the file. */
export function encodePositions({ end, readers }: Positions): Uint8Array {
  const body = encoder.encode(
    JSON.stringify({
      version: 1,
      end: numbersOf(end),
      readers: readers.map(({ name, position, skips }) => ({
        name,
        position: numbersOf(position),
        skips: skips.map(({ from, to }) => [numbersOf(from), numbersOf(to)]),
      })),
    }),
  );
  const sum = crc32(body).toString(16).padStart(8, '0');
  return Buffer.concat([encoder.encode(`${sum}\n`), body]);
}

/** Reads the bytes of the file; null where they are damaged. */
export function decodePositions(bytes: Uint8Array): Positions | null {
  const body = bytes.subarray(9);
  const sum = crc32(body).toString(16).padStart(8, '0');
  if (decoder.decode(bytes.subarray(0, 9)) !== `${sum}\n`) return null;
  const value = JSON.parse(decoder.decode(body)) as {
    version: number;
    end: Numbers;
    readers: { name: string; position: Numbers; skips: [Numbers, Numbers][] }[];
  };
  if (value.version !== 1) return null;
  return {
    end: markOf(value.end),
    readers: value.readers.map(({ name, position, skips }) => ({
      name,
      position: markOf(position),
      skips: skips.map(([from, to]) => ({ from: markOf(from), to: markOf(to) })),
    })),
  };
}

type Numbers = [number, number, number];
const numbersOf = ({ offset, records, items }: Mark): Numbers => [offset, records, items];
const markOf = ([offset, records, items]: Numbers): Mark => ({ offset, records, items });
