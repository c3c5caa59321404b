/** The `[dead-letters]` section: what inputs reject, kept as it came. */
import {
  booleanKey,
  defineSection,
  durationKey,
  integerKey,
  type SectionValues,
  sizeKey,
  stringKey,
} from '#config';

/** Points that storage refuses come in pieces of so much. */
const LETTER_BYTES_LEAST = 16 * 1024;

/** Declaration of `[dead-letters]`. Not in InfluxDB. */
export const deadLettersSection = defineSection({
  name: 'dead-letters',
  doc: 'What inputs reject is kept as it came, to be looked at and replayed (docs/dead-letters.md). Not in InfluxDB.',
  keys: {
    isEnabled: booleanKey('enabled', true, { doc: 'Whether it is kept.' }),
    isHttpKept: booleanKey('http', false, {
      doc: 'Whether lines that /write rejects are kept too: its clients are told of them.',
    }),
    dir: stringKey('dir', '', {
      doc: 'Folder; empty means the data dir with "-deadletters" behind its name.',
    }),
    sizeMaxBytes: sizeKey('max-size', '64m', { doc: 'Bytes on disk; the oldest go first.' }),
    ageMaxMs: durationKey('max-age', '168h', { doc: 'How long they are kept; 0s means no limit.' }),
    letterMaxBytes: sizeKey('max-letter-size', '64k', {
      doc: 'Larger ones are not kept. At least 16k.',
    }),
    perSecondMax: integerKey('max-per-second', 10, {
      doc: 'Letters kept a second of one listener for one reason, ten seconds ahead; further ones are counted only. 0 means no limit.',
    }),
  },
  check({ sizeMaxBytes, ageMaxMs, letterMaxBytes, perSecondMax }) {
    if (sizeMaxBytes <= 0) return 'dead-letters max-size must be positive';
    if (ageMaxMs < 0) return 'dead-letters max-age must not be negative';
    if (letterMaxBytes < LETTER_BYTES_LEAST)
      return 'dead-letters max-letter-size must be at least 16k';
    return perSecondMax < 0 ? 'dead-letters max-per-second must not be negative' : null;
  },
});

/** Values of `[dead-letters]`. */
export type DeadLettersConfig = SectionValues<typeof deadLettersSection>;
