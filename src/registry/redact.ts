/** A URL without what may be secret: user information, query and fragment. */
export function redactUrl(url: string): string {
  const parsed = URL.parse(url);
  return parsed ? `${parsed.origin}${parsed.pathname}` : "(malformed URL)";
}
