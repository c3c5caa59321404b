/**
 * meta.db on disk: read with its checksum, replaced atomically. The checksum file beside it lists the states that may be
 * found (the one before and the one after a replacement), so that a crash at any step leaves a pair that fits.
 * @see docs/formats/meta.md
 */
import { dirname } from 'node:path';
import { type FileSystem, type Logger, replaceFile } from '#kernel';
import { crc32 } from './crc32.js';
import { MetaError } from './errors.js';
import { decodeWholeMetaData, encodeMetaData, salvageMetaData } from './meta-codec.js';

/** One line of the checksum file. */
interface Checksum {
  readonly crc: number;
  readonly sizeBytes: number;
  /** Index of the metadata, by which a file that another program wrote is told from a damaged one. */
  readonly index: number;
}

/** States remembered of replacements that failed one after another; the oldest are the least likely to be on the disk. */
const STATES_MAX = 32;

/** Reads and replaces one meta.db. Not concurrent: the store calls it one at a time. */
export class MetaFile {
  /** States of which one is on the disk: more than one after replacements that failed in between. */
  private possible: readonly Checksum[] = [];

  constructor(
    private readonly files: FileSystem,
    private readonly path: string,
    private readonly logger: Logger,
  ) {}

  /** The file's bytes, or null when there is none. A damaged file is put aside and replaced by what it still holds. */
  async read(): Promise<Uint8Array | null> {
    await this.files.makeDirectory(dirname(this.path));
    if ((await this.files.stat(this.path)) === null) return null;
    const bytes = await this.files.readFile(this.path);
    const expected = await this.readChecksums();
    const found = { crc: crc32(bytes), sizeBytes: bytes.length };
    const data = decodeWholeMetaData(bytes);
    const listed = expected.find(
      (line) => line.crc === found.crc && line.sizeBytes === found.sizeBytes,
    );
    const isForeign =
      listed === undefined && data !== null && !expected.some((line) => line.index === data.index);
    if (listed === undefined && !isForeign) return this.quarantine(bytes);
    if (isForeign && expected.length > 0) {
      this.logger.info('Metadata was changed by another program', { path: this.path });
    }
    this.possible = [{ ...found, index: data?.index ?? 0 }];
    return bytes;
  }

  /**
   * Replaces the file durably: after a crash at any step the old or the new content is there, with its checksum.
   * @throws MetaError `meta.not-written`
   */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.replace(bytes);
    } catch (cause) {
      throw MetaError.notWritten(this.path, cause);
    }
  }

  private async replace(bytes: Uint8Array): Promise<void> {
    const next: Checksum = {
      crc: crc32(bytes),
      sizeBytes: bytes.length,
      index: decodeWholeMetaData(bytes)?.index ?? 0,
    };
    const lines = [...this.possible.slice(-STATES_MAX), next];
    await replaceFile(
      this.files,
      `${this.path}.crc`,
      new TextEncoder().encode(lines.map(format).join('')),
    );
    // Until the replacement is done it may or may not be: its rename can be there although its sync failed.
    this.possible = lines;
    await replaceFile(this.files, this.path, bytes);
    this.possible = [next];
  }

  private async readChecksums(): Promise<Checksum[]> {
    const path = `${this.path}.crc`;
    if ((await this.files.stat(path)) === null) return [];
    const lines = new TextDecoder().decode(await this.files.readFile(path)).split('\n');
    return lines.flatMap((line) => {
      const [, crc, size, index] = /^([0-9a-f]{8}) (\d+) (\d+)$/.exec(line) ?? [];
      return index === undefined
        ? []
        : [{ crc: Number.parseInt(crc, 16), sizeBytes: Number(size), index: Number(index) }];
    });
  }

  private async quarantine(bytes: Uint8Array): Promise<Uint8Array> {
    let n = 1;
    while ((await this.files.stat(`${this.path}.corrupt-${n}`)) !== null) n++;
    const aside = `${this.path}.corrupt-${n}`;
    // A copy and a replacement, not a rename: meta.db must never be absent, or a crash here would lose all of it.
    await replaceFile(this.files, aside, bytes);
    const { data, lost } = salvageMetaData(bytes);
    const salvaged = encodeMetaData(data);
    await this.write(salvaged);
    this.logger.error('Metadata file is damaged; started with what could be read', {
      path: this.path,
      aside,
      databases: data.databases.length,
      users: data.users.length,
      lost,
    });
    return salvaged;
  }
}

const format = ({ crc, sizeBytes, index }: Checksum): string =>
  `${crc.toString(16).padStart(8, '0')} ${sizeBytes} ${index}\n`;
