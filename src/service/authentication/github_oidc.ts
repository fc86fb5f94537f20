import { Refusal } from "../refusal.ts";
import { Keys, type KeySource } from "./jwks.ts";
import { areValid, type Claims, findJwt, verifyJwt } from "./jwt.ts";
import type { Authenticator, Grant } from "./types.ts";

/** Which workflows of GitHub Actions may do what. */
export interface GithubOidcRule extends Grant {
  /**
   * What the token must say, by claim, such as `repository`, `ref`, `environment` or `job_workflow_ref`: exactly one of
   * these texts. A `*` at the end stands for anything. One of `repository`, `repository_id`, `repository_owner`,
   * `repository_owner_id` and `sub` must be there, as everybody on GitHub gets tokens; a `*` in it stands after `/` or
   * `:`.
   */
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
}

/** Options for {@linkcode githubOidc}. */
export interface GithubOidcOptions {
  /** What the workflows ask their token for: the `aud` claim. */
  readonly audience: string;
  /**
   * The issuer's keys, or a function that fetches them, such as from
   * `https://token.actions.githubusercontent.com/.well-known/jwks`. It is called at most once a minute, when a token
   * names a key that is not known, and after an hour.
   */
  readonly jwks: KeySource;
  /** Who may do what; several may suit one token. */
  readonly allow: readonly GithubOidcRule[];
  /**
   * The `iss` claim; another one for GitHub Enterprise.
   *
   * @default {"https://token.actions.githubusercontent.com"}
   */
  readonly issuer?: string | undefined;
}

/** Claims that say whose workflow it is. */
const OWNER_CLAIMS: readonly string[] = [
  "repository",
  "repository_id",
  "repository_owner",
  "repository_owner_id",
  "sub",
];

/**
 * Callers that are workflows of GitHub Actions and show its OpenID Connect token. Only RS256 is accepted. `iss`, `aud`,
 * `exp` and `iat` must be there and be right, and `nbf` where it is there; clocks may differ by 30 seconds.
 *
 * @throws {TypeError} Where a rule would let in anybody on GitHub, there is no rule, or no audience.
 *
 * @example
 * ```ts
 * import { githubOidc } from "@multiarch/manifests/handler";
 * import assert from "node:assert/strict";
 *
 * const workflows = githubOidc({
 *   audience: "https://fan-in.example",
 *   jwks: async (signal) => {
 *     const response = await fetch("https://token.actions.githubusercontent.com/.well-known/jwks", { signal });
 *     return await response.json();
 *   },
 *   allow: [{ claims: { repository: "me/app", ref: "refs/tags/*" }, targets: ["quay.io/me/app"] }],
 * });
 * const options = { now: Date.now(), signal: new AbortController().signal };
 * assert.equal(await workflows.authenticate("no token", options), undefined);
 * ```
 */
export function githubOidc(options: GithubOidcOptions): Authenticator {
  const { audience, jwks, allow, issuer = "https://token.actions.githubusercontent.com" } = options;
  if (audience === "") throw new TypeError("Cannot accept tokens of GitHub as the audience is empty");
  if (allow.length === 0) throw new TypeError("Cannot accept tokens of GitHub as there is no rule");
  for (const { claims } of allow) requireOwner(claims);
  const rules = allow.map(({ claims, ...grant }) => ({ claims, grant }));
  const keys = new Keys(jwks);
  return {
    grants: rules.map(({ grant }) => grant),
    async authenticate(token, call) {
      const jwt = findJwt(token);
      const key = jwt && await keys.find(jwt.kid, call).catch((cause) => {
        call.signal.throwIfAborted();
        throw new Refusal(503, { code: "NETWORK", message: "Cannot authenticate as the issuer's keys cannot be had" }, {
          "retry-after": "1",
        }, { cause });
      });
      const claims = key && await verifyJwt(jwt, key);
      if (!claims || !areValid(claims, { issuer, audience, now: call.now })) return undefined;
      return rules.filter((rule) => suits(claims, rule.claims)).map(({ grant }) => grant);
    },
  };
}

function suits(claims: Claims, wanted: GithubOidcRule["claims"]): boolean {
  return Object.entries(wanted).every(([name, texts]) => {
    const claim = claims[name];
    return typeof claim === "string" && textsOf(texts).some((text) => matches(claim, text));
  });
}

function matches(claim: string, text: string): boolean {
  return text.endsWith("*") ? claim.startsWith(text.slice(0, -1)) : claim === text;
}

function textsOf(texts: string | readonly string[]): readonly string[] {
  return typeof texts === "string" ? [texts] : texts;
}

function requireOwner(claims: GithubOidcRule["claims"]): void {
  const owners = OWNER_CLAIMS.flatMap((name) => textsOf(claims[name] ?? []).map((text) => ({ name, text })));
  if (owners.length === 0) {
    throw new TypeError(`Cannot accept tokens of GitHub as a rule names none of ${OWNER_CLAIMS.join(", ")}`);
  }
  const loose = owners.find(({ name, text }) => {
    // Other subjects than "repo:me/app:…" need not say whose workflow it is.
    const own = name === "sub" ? /^repo:([^/:*]+\/.*)$/.exec(text)?.[1] ?? "" : text;
    return own === "" || own.endsWith("*") && !/[^/:*][/:]\*$/.test(own);
  });
  if (!loose) return;
  throw new TypeError(
    `Cannot accept tokens of GitHub as ${loose.name} ${JSON.stringify(loose.text)} would let in others`,
  );
}
