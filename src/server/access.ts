import { encodeBase64, encodeUtf8 } from "../internal/room.ts";
import { jsonAnswer, Refusal } from "./answers.ts";

/** Who may use a registry, and how they prove who they are. */
export interface AccessOptions {
  /** `basic`: a password with every request. `bearer`: tokens, which the registry's own `/token` hands out. */
  scheme: "basic" | "bearer";
  /** Passwords by user name. */
  users: Readonly<Record<string, string>>;
  /**
   * Lifetime of tokens in seconds.
   *
   * @default {300}
   */
  tokenLifetime?: number;
}

/** Guards a registry. */
export class AccessControl {
  readonly #options: AccessOptions;
  readonly #tokens = new Map<string, { scopes: Set<string>; expires: number }>();

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** Hands out a token: `GET /token`. */
  token(request: Request, url: URL): Response {
    if (!this.#knows(request.headers.get("authorization"))) {
      throw new Refusal("UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="registry"' });
    }
    const lifetime = this.#options.tokenLifetime ?? 300;
    for (const [token, { expires }] of this.#tokens) if (expires <= Date.now()) this.#tokens.delete(token);
    const token = crypto.randomUUID();
    this.#tokens.set(token, {
      scopes: new Set(url.searchParams.getAll("scope")),
      expires: Date.now() + lifetime * 1000,
    });
    return jsonAnswer({ token, expires_in: lifetime });
  }

  /** Throws unless the request may do `actions` in the repository. */
  check(request: Request, url: URL, repository: string | undefined, actions: string): void {
    const authorization = request.headers.get("authorization");
    if (this.#options.scheme === "basic") {
      if (this.#knows(authorization)) return;
      throw new Refusal("UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="registry"' });
    }
    const scope = repository && `repository:${repository}:${actions}`;
    const token = this.#tokens.get(authorization?.replace(/^Bearer /i, "") ?? "");
    if (token && token.expires > Date.now() && (!scope || covers(token.scopes, repository, actions))) return;
    throw new Refusal("UNAUTHORIZED", "authentication required", {
      "www-authenticate": `Bearer realm="${url.origin}/token",service="${url.host}"${scope ? `,scope="${scope}"` : ""}`,
    });
  }

  #knows(authorization: string | null): boolean {
    return Object.entries(this.#options.users).some(([user, password]) =>
      authorization === `Basic ${encodeBase64(encodeUtf8(`${user}:${password}`))}`
    );
  }
}

function covers(scopes: ReadonlySet<string>, repository: string, actions: string): boolean {
  return [...scopes].some((scope) => {
    const granted = scope.startsWith(`repository:${repository}:`) && scope.slice(scope.lastIndexOf(":") + 1).split(",");
    return granted && (granted.includes("*") || actions.split(",").every((action) => granted.includes(action)));
  });
}
