/**
 * The words that name a list of values (host, plugin, its instance, type, its instance), and the series that they stand for. They
 * lie in one piece of memory, which is the raw name that a series is found by.
 */
import { FieldType, formatSeriesKey, KEY_LENGTH_MAX, type NamedSeries, type Tag } from '#models';
import { fromBinary } from '../shared/go-text.js';
import type { DataSource } from './types-db.js';

const WORDS = 6;
const HOST = 0;
const PLUGIN = 2;
const PLUGIN_INSTANCE = 3;
const TYPE = 4;
const TYPE_INSTANCE = 5;
/** In the name: number of the value, generation of the types, and the lengths of all words. */
const PREFIX_BYTES = 2 * (2 + WORDS);
/** Longest word. Names of series are shorter than 64 KiB together. */
const WORD_BYTES_MAX = 65_535;

/** Words that were put aside. */
export interface SavedWords {
  readonly words: readonly Uint8Array[];
}

/** Names of one packet after the other. */
export class ListNamer {
  /** The raw name, as long as {@link compose} says; and the words behind it, each in a place of its own. */
  readonly bytes = new Uint8Array(PREFIX_BYTES + (2 * WORDS + 1) * (WORD_BYTES_MAX + 1));
  /** Over `bytes`, which go on far behind the name. */
  readonly view = new DataView(this.bytes.buffer);
  /** Goes up when types change, so that series are named anew. */
  generation = 0;
  private readonly lengths = new Uint16Array(WORDS);
  private nameLength = 0;
  /** Where each word lies in the name. */
  private readonly places = new Int32Array(WORDS);
  /** The first word that has changed since the name was put together: those before it stand. */
  private firstChanged = 0;

  constructor(private readonly isJoined: boolean) {}

  /** Takes a word. @param word number of its part */
  set(word: number, from: Uint8Array, start: number, end: number): void {
    const place = this.startOf(word);
    const { bytes } = this;
    for (let i = 0; i < end - start; i++) bytes[place + i] = from[start + i];
    this.lengths[word] = end - start;
    if (word < this.firstChanged) this.firstChanged = word;
  }

  clear(): void {
    this.lengths.fill(0);
    this.firstChanged = 0;
  }

  save(): SavedWords {
    return {
      words: Array.from({ length: WORDS }, (_, word) => {
        const start = this.startOf(word);
        return this.bytes.slice(start, start + this.lengths[word]);
      }),
    };
  }

  restore({ words }: SavedWords): void {
    words.forEach((bytes, word) => this.set(word, bytes, 0, bytes.length));
  }

  /** Where a word lies in `bytes`. */
  startOf(word: number): number {
    return PREFIX_BYTES + (WORDS + 1 + word) * (WORD_BYTES_MAX + 1);
  }

  lengthOf(word: number): number {
    return this.lengths[word];
  }

  /** A word as a binary string. */
  word(word: number): string {
    const start = this.startOf(word);
    return Buffer.from(this.bytes.subarray(start, start + this.lengths[word])).toString('latin1');
  }

  /** Makes the raw name of the list's nth value; its length. */
  compose(n: number): number {
    const { bytes, lengths, places, generation, firstChanged } = this;
    if (firstChanged < WORDS) {
      let p = firstChanged === 0 ? PREFIX_BYTES : places[firstChanged];
      for (let word = firstChanged; word < WORDS; word++) {
        const length = lengths[word];
        places[word] = p;
        bytes[2 * word + 4] = length & 0xff;
        bytes[2 * word + 5] = length >>> 8;
        const start = this.startOf(word);
        for (let i = 0; i < length; i++) bytes[p++] = bytes[start + i];
      }
      this.nameLength = p;
      this.firstChanged = WORDS;
    }
    bytes[0] = n & 0xff;
    bytes[1] = n >>> 8;
    bytes[2] = generation & 0xff;
    bytes[3] = (generation >>> 8) & 0xff;
    return this.nameLength;
  }

  /** The series of the list's nth value, or of all of them; or why there is none. */
  name(dataSet: readonly DataSource[], n: number): NamedSeries | string {
    if (this.nameLength > KEY_LENGTH_MAX) {
      return `max key length exceeded: ${this.nameLength} > ${KEY_LENGTH_MAX}`;
    }
    const plugin = this.word(PLUGIN);
    if (plugin === '' && this.isJoined) return 'missing plugin';
    const tags: Tag[] = [
      { key: 'host', value: this.word(HOST) },
      { key: 'instance', value: this.word(PLUGIN_INSTANCE) },
      { key: 'type', value: this.word(TYPE) },
      { key: 'type_instance', value: this.word(TYPE_INSTANCE) },
    ];
    const measurement = this.isJoined ? plugin : `${plugin}_${dataSet[n]?.name ?? ''}`;
    const fields = this.isJoined ? dataSet.map(({ name }) => fromBinary(name)) : ['value'];
    return {
      key: Buffer.from(formatSeriesKey(measurement, tags), 'latin1'),
      fields: fields.map((name) => ({ name, type: FieldType.FLOAT })),
    };
  }

  /** What a list is called in the log. */
  identity(): string {
    const [host, plugin, type] = [HOST, PLUGIN, TYPE].map((word) =>
      fromBinary(this.word(word).slice(0, SHOWN_LENGTH_MAX)),
    );
    return `host ${host}, plugin ${plugin}, type ${type}`;
  }
}

const SHOWN_LENGTH_MAX = 128;
