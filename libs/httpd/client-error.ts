/**
 * What a connection is told whose bytes are no HTTP: the words of Go's server, in plain text, and then it is closed.
 * Called by Node's HTTP server, before there is a request; knows nothing of routes.
 */
import type { Socket } from 'node:net';

const STATUSES: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/**
 * Answers and closes a connection that Node's parser gave up on. Nothing is written where the peer is gone, or where an
 * answer has begun.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = STATUSES[error.code ?? ''] ?? '400 Bad Request';
  if (socket.writable && !hasAnswerBegun(socket)) {
    socket.write(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`,
    );
  }
  socket.destroy(error);
}

/** Whether the head of an answer is out: Node keeps the answer that a connection is at in `_httpMessage`. */
function hasAnswerBegun(socket: Socket): boolean {
  const answer = (socket as { _httpMessage?: { headersSent?: boolean } })._httpMessage;
  return answer?.headersSent === true;
}
