import { findUrl } from "../internal/room.ts";

/** Returns a URL without the parts that may be secret: user information, query and fragment. */
export function redactUrl(url: string): string {
  const parsed = findUrl(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : "(malformed URL)";
}
