/** An authentication challenge of a `WWW-Authenticate` header (RFC 9110 §11.3). */
export interface Challenge {
  /** Scheme in lower case, such as `bearer`. */
  readonly scheme: string;
  /** Parameters by name, in lower case; if a name is repeated, its first value. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER_REGEXP = new RegExp(`^(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"?|([^",\\s]*))`);
const SCHEME_REGEXP = new RegExp(`^(${TOKEN})(?=[\\s,]|$)`);

/** Returns the authentication challenges of a response. */
export function getChallenges(response: Response): Challenge[] {
  return parseChallenges(response.headers.get("www-authenticate") ?? "");
}

/**
 * Parses a `WWW-Authenticate` header. `fetch` joins repeated headers with commas, so one value may contain several
 * challenges; a token that is not followed by `=` starts a new challenge. An unquoted value extends to the next comma,
 * because some servers do not quote URLs.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = header.slice(0, 16_384);
  for (;;) {
    rest = rest.replace(/^[\s,]+/, "");
    if (rest === "") return challenges;
    const parameter = PARAMETER_REGEXP.exec(rest);
    const scheme = SCHEME_REGEXP.exec(rest);
    if (parameter && challenges.length > 0) {
      const { parameters } = challenges.at(-1)!;
      const name = parameter[1]!.toLowerCase();
      const value = parameter[2]?.replace(/\\(.)/g, "$1") ?? parameter[3]!;
      if (!parameters.has(name)) parameters.set(name, value);
      rest = rest.slice(parameter[0].length);
    } else if (scheme) {
      challenges.push({ scheme: scheme[1]!.toLowerCase(), parameters: new Map() });
      rest = rest.slice(scheme[0].length);
    } else {
      rest = rest.replace(/^[^\s,]+/, "");
    }
  }
}
