/** The `[[graphite]]` sections: listeners for Graphite's plaintext protocol. */
import {
  booleanKey,
  choiceKey,
  defineListSection,
  durationKey,
  integerKey,
  type SectionValues,
  sizeKey,
  stringKey,
  stringListKey,
} from '#config';
import { checkGraphite } from './check-config.js';

/** Declaration of `[[graphite]]`, with InfluxDB 1.x's names. */
export const graphiteSection = defineListSection({
  name: 'graphite',
  doc: "A listener for Graphite's plaintext protocol. May be repeated.",
  keys: {
    isEnabled: booleanKey('enabled', false, { doc: 'Whether the listener runs.' }),
    bindAddress: stringKey('bind-address', ':2003', { doc: 'Address to listen on.' }),
    database: stringKey('database', 'graphite', {
      doc: 'Database to write to; created on demand.',
    }),
    retentionPolicy: stringKey('retention-policy', '', {
      doc: 'Retention policy to write to; empty means the default one.',
    }),
    protocol: stringKey('protocol', 'tcp', { doc: 'Transport, "tcp" or "udp".' }),
    batchSize: integerKey('batch-size', 5000, { doc: 'Points that are written together.' }),
    batchPending: integerKey('batch-pending', 10, { doc: 'Batches that may wait.' }),
    batchTimeoutMs: durationKey('batch-timeout', '1s', {
      doc: 'Longest wait for a batch to fill.',
    }),
    consistencyLevel: stringKey('consistency-level', 'one', {
      doc: 'Copies that must acknowledge: "any", "one", "quorum" or "all".',
    }),
    separator: stringKey('separator', '.', {
      doc: 'Joins the parts of a name that a template assigns to one word.',
    }),
    udpReadBufferBytes: integerKey('udp-read-buffer', 0, {
      doc: 'Receive buffer in bytes for "udp"; 0 means the system\'s default.',
    }),
    tags: stringListKey('tags', {
      doc: 'Tags that every point gets, ["region=us-east", "zone=1c"].',
    }),
    templates: stringListKey('templates', {
      doc: 'How names become measurements and tags: "[filter] template [tag=value,...]", the most specific filter wins.',
    }),
    templateMatching: choiceKey('template-matching', ['backtrack', 'influxdb'], {
      doc: 'Whether a filter that leads nowhere is left for the next ("backtrack"), or hides it, as it does in InfluxDB ("influxdb").',
      complaint: (word) => `unrecognized template-matching: "${word}"`,
    }),
    areTagsParsed: booleanKey('parse-tags', false, {
      doc: 'Whether "a.b;key=value" has tags, as in Graphite 1.1; else it is a name, as in InfluxDB.',
    }),
    examples: stringListKey('examples', {
      doc: 'What paths must become, checked at the start: "stats.host7.cpu.idle -> cpu.idle,host=host7 value".',
    }),
    pickleBindAddress: stringKey('pickle-bind-address', '', {
      doc: 'Address to listen on for the pickle protocol, ":2004"; empty means none.',
    }),
    pickleBytesMax: sizeKey('pickle-max-size', '1m', {
      doc: 'Longest message of the pickle protocol.',
    }),
    lineBytesMax: sizeKey('max-line-size', '64k', {
      doc: 'Longest line; a longer one is skipped and counted.',
    }),
    connectionsMax: integerKey('max-connections', 10000, {
      doc: 'Connections open at one time; further ones are closed at once.',
    }),
    idleTimeoutMs: durationKey('idle-timeout', '0s', {
      doc: 'Connections that are silent for so long are closed; 0s means never.',
    }),
  },
  check: checkGraphite,
});

/** Values of one `[[graphite]]`. */
export type GraphiteConfig = SectionValues<typeof graphiteSection>;
