import { hasDomain, type NamedReference, parseReference } from "../spec/room.ts";

/** A repository, or all repositories below a path or of a registry. */
interface RepositoryRule {
  readonly domain: string;
  readonly path: string;
  readonly below: boolean;
}

/** Repositories that somebody allows, compared as parsed references: never as text. */
export class RepositoryRules {
  readonly #rules: readonly RepositoryRule[];

  /**
   * Parses rules such as `quay.io/me/app`, `quay.io/me/*` (all below, however deep) and `quay.io/*`.
   *
   * @throws {TypeError} Where one is none, or does not name its registry.
   */
  constructor(rules: readonly string[]) {
    this.#rules = rules.map(parseRule);
  }

  /** The registries, as in `quay.io`. */
  get domains(): string[] {
    return [...new Set(this.#rules.map(({ domain }) => domain))];
  }

  /** Whether a reference, whose domain is in lower case, is in one of the repositories. */
  allow({ domain, path }: NamedReference): boolean {
    return this.#rules.some((rule) =>
      rule.domain === domain && (rule.below ? path.startsWith(rule.path) : path === rule.path)
    );
  }
}

function parseRule(text: string): RepositoryRule {
  const below = text.endsWith("/*");
  // Two components in the place of the star: with one, Docker Hub would add "library/".
  const named = hasDomain(text) ? tryParse(below ? `${text.slice(0, -1)}x/y` : text) : undefined;
  if (!named || named.tag !== undefined || named.digest !== undefined) {
    throw new TypeError(
      `Cannot allow ${JSON.stringify(text)} as it is no repository: as in "quay.io/me/app" or "quay.io/me/*"`,
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
