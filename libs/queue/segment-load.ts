/** Finds the segments of a directory when a queue opens, and where the last one ends. */
import { join } from 'node:path';
import { type FileSystem, type Logger, messageOf } from '#kernel';
import type { Mark } from './record.js';
import type { Segment } from './segment.js';
import { decodeSegmentHeader, offsetOfName, SEGMENT_HEADER_BYTES } from './segment-format.js';
import { readHeader, readRecord } from './segment-reader.js';

/** The segments in order. A file without a whole record is put aside, unless it is empty. */
export async function loadSegments(
  files: FileSystem,
  directory: string,
  logger: Logger,
): Promise<Segment[]> {
  const names = (await files.list(directory))
    .filter(({ name, isDirectory }) => !isDirectory && offsetOfName(name) >= 0)
    .map(({ name }) => name)
    .sort();
  const segments: Segment[] = [];
  for (const name of names) {
    const segment = await loadSegment(files, join(directory, name), offsetOfName(name), logger);
    if (segment !== null) segments.push(segment);
  }
  for (let i = 0; i + 1 < segments.length; i++) {
    segments[i].end = segments[i + 1].start;
    segments[i].lastTimeNs = segments[i + 1].firstTimeNs;
  }
  const last = segments.at(-1);
  if (last !== undefined) await findEnd(files, last, logger);
  return segments;
}

async function loadSegment(
  files: FileSystem,
  path: string,
  offset: number,
  logger: Logger,
): Promise<Segment | null> {
  const sizeBytes = (await files.stat(path))?.sizeBytes ?? 0;
  const dataBytes = Math.max(0, sizeBytes - SEGMENT_HEADER_BYTES);
  try {
    const file = await files.open(path, 'read');
    try {
      const header = new Uint8Array(SEGMENT_HEADER_BYTES);
      const isRead = file.readSync(header, 0) === SEGMENT_HEADER_BYTES;
      const named = { offset, records: 0, items: 0 };
      const start = isRead ? decodeSegmentHeader(header) : null;
      const first = readHeader({ file, start: start ?? named, dataBytes }, offset);
      if (first !== null && (start === null || start.offset === offset)) {
        const { timeNs } = first;
        // A damaged header: what stood before the first whole record is not known, only how much there was up to it.
        const from: Mark = start ?? { ...first.start, offset };
        return {
          path,
          start: from,
          dataBytes,
          end: from,
          firstTimeNs: timeNs,
          lastTimeNs: timeNs,
          file: null,
        };
      }
    } finally {
      await file.close();
    }
    await putAside(files, path, dataBytes, logger);
  } catch (error) {
    logger.error('Cannot read a segment of a queue', { path, error: messageOf(error) });
  }
  return null;
}

async function putAside(
  files: FileSystem,
  path: string,
  dataBytes: number,
  logger: Logger,
): Promise<void> {
  // Made, and nothing written: a crash in the first moment.
  if (dataBytes === 0) {
    await files.remove(path);
    return;
  }
  logger.warn('Segment of a queue without a whole record is put aside', { path });
  await files.rename(path, `${path}.bad`);
}

/**
 * Reads all of the last segment: it may have been cut off anywhere. And makes it durable: a process that was killed wrote it,
 * and the machine may lose it yet.
 */
async function findEnd(files: FileSystem, segment: Segment, logger: Logger): Promise<void> {
  const file = await files.open(segment.path, 'write');
  try {
    await new Promise<void>((resolve) =>
      file.sync((error) => {
        if (error !== null)
          logger.error('Cannot sync a segment of a queue', {
            path: segment.path,
            error: error.message,
          });
        resolve();
      }),
    );
    let end = segment.start;
    for (;;) {
      const step = readRecord({ ...segment, file }, end.offset);
      if (step === null) break;
      end = step.end;
      if (step.record !== null && step.record.timeNs > segment.lastTimeNs)
        segment.lastTimeNs = step.record.timeNs;
    }
    segment.end = end;
  } finally {
    await file.close();
  }
}
