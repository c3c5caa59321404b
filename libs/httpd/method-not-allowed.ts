/** The answer to a method that a path does not serve; plain text as upstream. */
import type { Exchange } from './exchange.js';

/** Sends 405. @param methods those that are served, `GET, POST` */
export function sendMethodNotAllowed(exchange: Exchange, methods: string): void {
  exchange.response.setHeader('X-Content-Type-Options', 'nosniff');
  exchange.response.setHeader('Allow', methods);
  exchange.send(405, 'text/plain; charset=utf-8', 'Method Not Allowed\n');
}
