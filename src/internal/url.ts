/** The URL that a text is, seen from `base`; `undefined` where it is none. `URL.parse` is too new for Node 20. */
export function findUrl(text: string, base?: string | URL): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}
