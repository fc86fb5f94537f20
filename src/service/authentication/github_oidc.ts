import { HandlerError } from "../handler_error.ts";
import { IssuerKeys, type KeySource } from "./jwks.ts";
import { areValid, findJwt, type TokenClaims, verifyJwt } from "./jwt.ts";
import type { Authenticator, Grant } from "./types.ts";

/** Grant for the workflows of GitHub Actions whose token has certain claims. */
export interface GithubOidcRule extends Grant {
  /**
   * Required value of each claim, such as `repository`, `ref`, `environment` or `job_workflow_ref`; of several values,
   * one must match. A `*` at the end matches any text. Because every GitHub user can get tokens, a rule must name at
   * least one of `repository`, `repository_id`, `repository_owner`, `repository_owner_id` and `sub`, in which `*` may
   * only follow `/` or `:`.
   */
  readonly claims: Readonly<Record<string, string | readonly string[]>>;
}

/** Options for {@linkcode githubOidc}. */
export interface GithubOidcOptions {
  /** Required `aud` claim: the audience for which the workflows request their token. */
  readonly audience: string;
  /**
   * Keys of the issuer, or a function that fetches them, such as from
   * `https://token.actions.githubusercontent.com/.well-known/jwks`. The function is called if a token names an unknown
   * key or the keys are older than an hour; at most once a minute, or every five seconds while it fails.
   */
  readonly jwks: KeySource;
  /** Rules; a token gets the grants of all rules that match it. */
  readonly allow: readonly GithubOidcRule[];
  /**
   * Required `iss` claim. GitHub Enterprise has another one.
   *
   * @default {"https://token.actions.githubusercontent.com"}
   */
  readonly issuer?: string | undefined;
}

/** Claims that identify the owner of a workflow. */
const OWNER_CLAIMS: readonly string[] = [
  "repository",
  "repository_id",
  "repository_owner",
  "repository_owner_id",
  "sub",
];

/**
 * Creates an authenticator for workflows of GitHub Actions, which send an OpenID Connect token. Only RS256 signatures
 * are accepted. `iss`, `aud`, `exp` and `iat` are required and checked, `nbf` is checked if present; clocks may differ
 * by 30 seconds.
 *
 * @throws {TypeError} If the audience or `allow` is empty, or a rule would admit any GitHub user.
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
  if (audience === "") throw new TypeError("Cannot accept tokens of GitHub: audience is empty");
  if (allow.length === 0) throw new TypeError("Cannot accept tokens of GitHub: allow is empty");
  for (const { claims } of allow) assertOwner(claims);
  const rules = allow.map(({ claims, ...grant }, i) => ({
    claims,
    grant: { ...grant, name: grant.name ?? `GitHub rule ${i + 1}` },
  }));
  const keys = new IssuerKeys(jwks);
  return {
    grants: rules.map(({ grant }) => grant),
    async authenticate(token, call) {
      const jwt = findJwt(token);
      const key = jwt && await keys.find(jwt.kid, call).catch((cause) => {
        call.signal.throwIfAborted();
        throw new HandlerError(503, {
          code: "NETWORK",
          message: "Cannot authenticate: the keys of the token's issuer cannot be fetched",
        }, {
          "retry-after": "1",
        }, { cause });
      });
      const claims = key && await verifyJwt(jwt, key);
      if (!claims || !areValid(claims, { issuer, audience, now: call.now })) return undefined;
      const grants = rules.filter((rule) => matchesClaims(claims, rule.claims)).map(({ grant }) => grant);
      return { name: describeWorkflow(claims), grants };
    },
  };
}

/** Returns the subject of a token, or else its repository and ref. */
function describeWorkflow({ sub, repository, ref }: TokenClaims): string {
  return String(sub ?? `${repository}@${ref}`);
}

function matchesClaims(claims: TokenClaims, required: GithubOidcRule["claims"]): boolean {
  return Object.entries(required).every(([name, texts]) => {
    const claim = claims[name];
    return typeof claim === "string" && toArray(texts).some((text) => matchesText(claim, text));
  });
}

function matchesText(claim: string, text: string): boolean {
  return text.endsWith("*") ? claim.startsWith(text.slice(0, -1)) : claim === text;
}

function toArray(texts: string | readonly string[]): readonly string[] {
  return typeof texts === "string" ? [texts] : texts;
}

function assertOwner(claims: GithubOidcRule["claims"]): void {
  const owners = OWNER_CLAIMS.flatMap((name) => toArray(claims[name] ?? []).map((text) => ({ name, text })));
  if (owners.length === 0) {
    throw new TypeError(`Cannot accept tokens of GitHub: a rule must name one of ${OWNER_CLAIMS.join(", ")}`);
  }
  const loose = owners.find(({ name, text }) => {
    // Only subjects of the form "repo:me/app:…" are sure to name the owner: others can be customised.
    const owner = name === "sub" ? /^repo:([^/:*]+\/.*)$/.exec(text)?.[1] ?? "" : text;
    return owner === "" || owner.endsWith("*") && !/[^/:*][/:]\*$/.test(owner);
  });
  if (!loose) return;
  throw new TypeError(
    `Cannot accept tokens of GitHub: ${loose.name} ${JSON.stringify(loose.text)} would also match other owners`,
  );
}
