/**
 * The gzip members that a tombstone file of ours consists of. Each says in its header how long it is and whether it is the
 * last, so that a file cut between two members is noticed. Other programs skip that field.
 *
 * @see docs/formats/tombstone.md
 */
import { constants, gzipSync } from 'node:zlib';

/** Bytes of a gzip header without optional fields. */
const HEADER_BYTES = 10;
/** Position of the flags, and the flag of the extra field. */
const FLAGS_AT = 3;
const HAS_EXTRA = 4;
/** The extra field: its length, then one subfield: `TG`, length, size of the member, whether it is the last. */
const EXTRA_BYTES = 11;
const SIZE_AT = HEADER_BYTES + 6;
const LAST_AT = SIZE_AT + 4;
const SUBFIELD = [9, 0, 0x54, 0x47, 5, 0] as const;

/** Packs bytes as a member that says it is the last. */
export function packMember(bytes: Uint8Array): Uint8Array {
  const plain = gzipSync(bytes, { level: constants.Z_BEST_SPEED });
  const member = new Uint8Array(plain.length + EXTRA_BYTES);
  member.set(plain.subarray(0, HEADER_BYTES));
  member[FLAGS_AT] |= HAS_EXTRA;
  member.set(SUBFIELD, HEADER_BYTES);
  new DataView(member.buffer).setUint32(SIZE_AT, member.length, true);
  member[LAST_AT] = 1;
  member.set(plain.subarray(HEADER_BYTES), HEADER_BYTES + EXTRA_BYTES);
  return member;
}

/** A copy of members with another to follow them. */
export function membersBefore(members: Uint8Array): Uint8Array {
  const copy = members.slice();
  const last = lastOwnMember(copy);
  if (last >= 0) copy[last + LAST_AT] = 0;
  return copy;
}

/** True when all members are ours and the last one of them says that another follows it. */
export function isCutBetweenMembers(members: Uint8Array): boolean {
  const last = lastOwnMember(members);
  return last >= 0 && members[last + LAST_AT] === 0;
}

/** Where the last member begins; -1 when some of them are another program's. */
function lastOwnMember(members: Uint8Array): number {
  const view = new DataView(members.buffer, members.byteOffset, members.length);
  for (let at = 0; at + LAST_AT < members.length;) {
    if ((members[at + FLAGS_AT] & HAS_EXTRA) === 0) return -1;
    if (!SUBFIELD.every((byte, i) => members[at + HEADER_BYTES + i] === byte)) return -1;
    const sizeBytes = view.getUint32(at + SIZE_AT, true);
    if (at + sizeBytes === members.length) return at;
    if (sizeBytes <= LAST_AT) return -1;
    at += sizeBytes;
  }
  return -1;
}
