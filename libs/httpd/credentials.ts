/**
 * How a request says who it is from: `u` and `p` in the URL, basic authentication, a JSON web token, or 2.x's
 * `Token user:password`. Same precedence as InfluxDB 1.x.
 */
import { HttpError } from './errors.js';
import type { UrlValues } from './url-values.js';

/** What a request presents. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

const UNREADABLE = 'unable to parse authentication credentials';

/**
 * The credentials of a request.
 * @param isTokenAllowed whether `Token user:password` counts: on the routes of 2.x only, 1.x does not know it
 * @throws HttpError 401 when there are none or they cannot be read
 */
export function readCredentials(
  url: UrlValues,
  authorization: string | undefined,
  isTokenAllowed: boolean,
): Credentials {
  const username = url.get('u');
  const password = url.get('p');
  if (username !== '' && password !== '') return { kind: 'password', username, password };
  const [scheme = '', rest = '', ...more] = (authorization ?? '').split(' ');
  if (more.length > 0 || rest === '') throw HttpError.unauthorized(UNREADABLE);
  if (/^basic$/i.test(scheme))
    return passwordOf(Buffer.from(rest, 'base64').toString('utf8'), isBase64(rest));
  if (scheme === 'Bearer') return { kind: 'bearer', token: rest };
  if (scheme === 'Token' && isTokenAllowed) return passwordOf(rest, true);
  throw HttpError.unauthorized(UNREADABLE);
}

function passwordOf(pair: string, isWellFormed: boolean): Credentials {
  const colon = pair.indexOf(':');
  if (!isWellFormed || colon < 0) throw HttpError.unauthorized(UNREADABLE);
  return { kind: 'password', username: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

const isBase64 = (text: string): boolean =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
