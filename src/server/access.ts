import { decodeBase64, decodeUtf8 } from "../internal/room.ts";
import { ApiError, createJsonResponse } from "./answers.ts";

/** Users of a registry and their authentication. Every authenticated user may do everything. */
export interface AccessOptions {
  /** `basic`: a password with every request. `bearer`: a token, which the registry's `/token` issues for a password. */
  scheme: "basic" | "bearer";
  /** Passwords by user name, or a function that returns whether a password is right. */
  users: Readonly<Record<string, string>> | ((username: string, password: string) => boolean | Promise<boolean>);
  /**
   * Lifetime of tokens, in seconds.
   *
   * @default {300}
   */
  tokenLifetime?: number;
}

/** Authenticates the requests to a registry. */
export class AccessControl {
  readonly #options: AccessOptions;
  readonly #now: () => number;
  readonly #tokens = new Map<string, { scopes: Set<string>; expires: number }>();

  constructor(options: AccessOptions, now: () => number) {
    this.#options = options;
    this.#now = now;
  }

  /**
   * Issues a token: `GET /token`.
   *
   * @throws {ApiError} With code `UNAUTHORIZED` without a right password.
   */
  async issueToken(request: Request, url: URL): Promise<Response> {
    if (!await this.#hasPassword(request.headers.get("authorization"))) {
      throw new ApiError("UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="registry"' });
    }
    const lifetime = this.#options.tokenLifetime ?? 300;
    for (const [token, { expires }] of this.#tokens) if (expires <= this.#now()) this.#tokens.delete(token);
    const token = crypto.randomUUID();
    this.#tokens.set(token, {
      scopes: new Set(url.searchParams.getAll("scope")),
      expires: this.#now() + lifetime * 1000,
    });
    return createJsonResponse({ token, expires_in: lifetime });
  }

  /**
   * Throws unless the request may do `actions` in the repository; `undefined`: in the registry itself.
   *
   * @throws {ApiError} With code `UNAUTHORIZED` and a challenge.
   */
  async assertAllowed(request: Request, url: URL, repository: string | undefined, actions: string): Promise<void> {
    const authorization = request.headers.get("authorization");
    if (this.#options.scheme === "basic") {
      if (await this.#hasPassword(authorization)) return;
      throw new ApiError("UNAUTHORIZED", "authentication required", { "www-authenticate": 'Basic realm="registry"' });
    }
    const scope = repository && `repository:${repository}:${actions}`;
    const token = this.#tokens.get(authorization?.replace(/^Bearer /i, "") ?? "");
    if (token && token.expires > this.#now() && (!scope || covers(token.scopes, repository, actions))) return;
    throw new ApiError("UNAUTHORIZED", "authentication required", {
      "www-authenticate": `Bearer realm="${url.origin}/token",service="${url.host}"${scope ? `,scope="${scope}"` : ""}`,
    });
  }

  async #hasPassword(authorization: string | null): Promise<boolean> {
    const { users } = this.#options;
    const bytes = decodeBase64(/^Basic +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "");
    const text = bytes ? decodeUtf8(bytes) : "";
    const colon = text.indexOf(":");
    if (colon < 0) return false;
    const [username, password] = [text.slice(0, colon), text.slice(colon + 1)];
    if (typeof users === "function") return await users(username, password);
    return Object.hasOwn(users, username) && users[username] === password;
  }
}

/** Returns whether token scopes allow all of the actions, which are separated by commas. */
function covers(scopes: ReadonlySet<string>, repository: string, actions: string): boolean {
  return [...scopes].some((scope) => {
    const granted = scope.startsWith(`repository:${repository}:`) && scope.slice(scope.lastIndexOf(":") + 1).split(",");
    return granted && (granted.includes("*") || actions.split(",").every((action) => granted.includes(action)));
  });
}
