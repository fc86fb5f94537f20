import { findUrl } from "../internal/room.ts";

/** A URL without what may be secret: user information, query and fragment. */
export function redactUrl(url: string): string {
  const parsed = findUrl(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : "(malformed URL)";
}
