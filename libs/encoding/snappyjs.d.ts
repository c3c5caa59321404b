/** What we use of snappyjs, which brings no types. */
declare module 'snappyjs' {
  /** The snappy block of `uncompressed`, in an array of its own. */
  export function compress(uncompressed: Uint8Array): Uint8Array;
  export function uncompress(compressed: Uint8Array): Uint8Array;
}
