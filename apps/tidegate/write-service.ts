/** The writer of line protocol as the port of HTTP's /write. */
import { type LineBooks, lineWriteErrorText, type LineWriter } from '#coordinator';
import type { WriteService } from '#httpd';

/**
 * @param books told what becomes of the lines
 */
export function writeService(lines: LineWriter, books?: LineBooks): WriteService {
  return {
    async write(request) {
      const source = { listener: 'http', peer: request.peer };
      const outcome = await lines.write({ ...request, source, ...(books && { books }) });
      const { points, values, dropped, rejectedCount, verdicts } = outcome;
      const errorText = lineWriteErrorText(outcome);
      return { points, values, dropped, rejectedCount, errorText, verdicts };
    },
  };
}
