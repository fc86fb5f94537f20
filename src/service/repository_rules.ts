import { hasDomain, type NamedReference, parseReference } from "../spec/room.ts";

/** Rule that matches one repository, or all repositories below a path. */
interface RepositoryRule {
  readonly domain: string;
  readonly path: string;
  readonly below: boolean;
}

/** Allowed repositories. Rules and names are compared as parsed references, never as text. */
export class RepositoryRules {
  readonly #rules: readonly RepositoryRule[];

  /**
   * Parses rules such as `quay.io/me/app`, `quay.io/me/*` (all repositories below that path) and `quay.io/*`.
   *
   * @throws {TypeError} If a rule is invalid or does not name its registry.
   */
  constructor(rules: readonly string[]) {
    this.#rules = rules.map(parseRule);
  }

  /** Registries of the rules, as in `quay.io`. */
  get domains(): string[] {
    return [...new Set(this.#rules.map(({ domain }) => domain))];
  }

  /** Returns whether a rule matches the reference, whose domain must be in lower case. */
  allow({ domain, path }: NamedReference): boolean {
    return this.#rules.some((rule) =>
      rule.domain === domain && (rule.below ? path.startsWith(rule.path) : path === rule.path)
    );
  }
}

function parseRule(text: string): RepositoryRule {
  const below = text.endsWith("/*");
  // Two components replace the star: with one, parsing a Docker Hub name would add "library/".
  const named = hasDomain(text) ? tryParse(below ? `${text.slice(0, -1)}x/y` : text) : undefined;
  if (!named || named.tag !== undefined || named.digest !== undefined) {
    throw new TypeError(
      `Cannot create a handler: invalid repository rule ${
        JSON.stringify(text)
      }: it must be as in "quay.io/me/app" or "quay.io/me/*"`,
    );
  }
  return { domain: named.domain.toLowerCase(), path: below ? named.path.slice(0, -"x/y".length) : named.path, below };
}

function tryParse(text: string): NamedReference | undefined {
  try {
    return parseReference(text);
  } catch {
    return undefined;
  }
}
