/** Parses a URL, relative to `base`; `undefined` if it is invalid. `URL.parse` does the same, but Node 20 lacks it. */
export function findUrl(text: string, base?: string | URL): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
