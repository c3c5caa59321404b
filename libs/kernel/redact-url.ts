/** Passwords in addresses, which nobody is shown. */

/** A text of one or more addresses with `xxxxx` for their passwords, as Go prints them; what parsed before parses still. */
export function redactUrl(text: string): string {
  return text.replace(/(\/\/[^/?#@:]*:)[^/?#@]*@/g, '$1xxxxx@');
}
