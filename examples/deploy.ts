/**
 * Entry point for Deno Deploy: publishes indexes for workflows of GitHub Actions, which send OpenID Connect tokens, and
 * for callers with the token `FAN_IN_TOKEN`. It reads its settings from the environment:
 *
 * - `FAN_IN_TARGETS`: repositories that may be written, as in `quay.io/me/app,quay.io/me/tools/*`.
 * - `REGISTRY_USERNAME`, `REGISTRY_PASSWORD`: credentials for these repositories, which must be in one registry.
 * - `GITHUB_REPOSITORIES`: GitHub repositories whose workflows may report, as in `me/app,me/tools`.
 * - `GITHUB_REFS`: branches and tags of these workflows. Default: `refs/tags/*`.
 * - `FAN_IN_AUDIENCE`: audience of their tokens, such as the URL of this deployment.
 * - `GITHUB_ISSUER`: issuer of their tokens, for GitHub Enterprise. Default: that of github.com.
 * - `FAN_IN_TOKEN`: bearer token of at least 16 characters that may do everything.
 * - `FAN_IN_DATABASE`: file of the database, or URL of a `denokv` server, whose token is in `DENO_KV_ACCESS_TOKEN`.
 *   Default: the database of the deployment.
 * - `INSECURE_REGISTRY`: `true` for a local registry that is served over plain HTTP.
 *
 * Every request and every step of a run is printed as one line of JSON. With `OTEL_DENO=true`, Deno also exports spans and
 * metrics.
 *
 * To try it: `deno run --allow-net --allow-env --unstable-kv examples/deploy.ts`. With `FAN_IN_DATABASE`, also pass
 * `--allow-read --allow-write`.
 */
import { type Authenticator, bearerTokens, createHandler, githubOidc } from "@multiarch/manifests/handler";

// deno-lint-ignore no-console -- The output of a deployment is its log.
const print = (line: unknown) => console.log(JSON.stringify(line));

/** Ends the program with a message for the person who sets it up. */
function fail(problem: string): never {
  // deno-lint-ignore no-console -- The output of a deployment is its log.
  console.error(`Cannot start the service: ${problem}`);
  Deno.exit(1);
}

/** Makes something from the value of a variable; an invalid value ends the program. */
async function use<T>(variable: string, make: () => T | Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    fail(`${variable} is invalid: ${error instanceof Error ? error.message : error}`);
  }
}

const list = (name: string, preset = "") =>
  (Deno.env.get(name) ?? preset).split(",").map((text) => text.trim()).filter(Boolean);

const targets = list("FAN_IN_TARGETS");
if (targets.length === 0) fail("set FAN_IN_TARGETS to the repositories that it may write, such as quay.io/me/app");

const authorize: Authenticator[] = [];
const token = Deno.env.get("FAN_IN_TOKEN");
const repositories = list("GITHUB_REPOSITORIES");
const audience = Deno.env.get("FAN_IN_AUDIENCE") ?? "";
if (!token && repositories.length === 0) {
  fail("set GITHUB_REPOSITORIES, FAN_IN_TOKEN or both; otherwise, nobody could call it");
}
if (repositories.length > 0 && audience === "") {
  fail("GITHUB_REPOSITORIES is set, so set FAN_IN_AUDIENCE to the audience of the tokens, such as this service's URL");
}
if (token) {
  authorize.push(await use("FAN_IN_TOKEN", () => bearerTokens([{ token, name: "FAN_IN_TOKEN" }])));
}
if (repositories.length > 0) {
  const issuer = Deno.env.get("GITHUB_ISSUER") ?? "https://token.actions.githubusercontent.com";
  const workflows = {
    name: "GITHUB_REPOSITORIES",
    claims: { repository: repositories, ref: list("GITHUB_REFS", "refs/tags/*") },
    actions: ["fan-in"],
  } as const;
  const jwks = async (signal: AbortSignal) => {
    const response = await fetch(`${issuer}/.well-known/jwks`, { signal });
    if (!response.ok) throw new Error(`Cannot fetch the keys of ${issuer}: it answered ${response.status}`);
    return await response.json();
  };
  authorize.push(await use("GITHUB_REPOSITORIES", () => githubOidc({ issuer, audience, jwks, allow: [workflows] })));
}

const username = Deno.env.get("REGISTRY_USERNAME"), password = Deno.env.get("REGISTRY_PASSWORD");
if ((username === undefined) !== (password === undefined)) {
  fail("set both REGISTRY_USERNAME and REGISTRY_PASSWORD, or neither");
}

const kv = await use("FAN_IN_DATABASE", () => Deno.openKv(Deno.env.get("FAN_IN_DATABASE")));
const handler = await use("FAN_IN_TARGETS", () =>
  createHandler({
    authorize,
    targets,
    systemContext: {
      ...(username !== undefined && password !== undefined ? { dockerAuthConfig: { username, password } } : {}),
      dockerInsecureSkipTlsVerify: Deno.env.get("INSECURE_REGISTRY") === "true",
    },
    kv,
    onEvent: print,
    onError: (error, { requestId }) =>
      print({ type: "error", time: Date.now(), requestId, message: error instanceof Error ? error.stack : error }),
  }));
Deno.serve(handler);
