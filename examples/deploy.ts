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
 * - `FAN_IN_DATABASE`: file of the database. Default: the database of the deployment.
 * - `INSECURE_REGISTRY`: `true` for a local registry that is served over plain HTTP.
 *
 * To try it: `deno run --allow-net --allow-env --unstable-kv examples/deploy.ts`. With `FAN_IN_DATABASE`, also pass
 * `--allow-read --allow-write`.
 */
import { type Authenticator, bearerTokens, createHandler, githubOidc } from "@multiarch/manifests/handler";

const list = (name: string, preset = "") =>
  (Deno.env.get(name) ?? preset).split(",").map((text) => text.trim()).filter(Boolean);

const authorize: Authenticator[] = [];
const token = Deno.env.get("FAN_IN_TOKEN");
if (token) authorize.push(bearerTokens([{ token }]));

const repositories = list("GITHUB_REPOSITORIES");
if (repositories.length > 0) {
  const issuer = Deno.env.get("GITHUB_ISSUER") ?? "https://token.actions.githubusercontent.com";
  authorize.push(githubOidc({
    issuer,
    audience: Deno.env.get("FAN_IN_AUDIENCE") ?? "",
    jwks: async (signal) => {
      const response = await fetch(`${issuer}/.well-known/jwks`, { signal });
      if (!response.ok) throw new Error(`Cannot fetch the keys of ${issuer}: it answered ${response.status}`);
      return await response.json();
    },
    allow: [{ claims: { repository: repositories, ref: list("GITHUB_REFS", "refs/tags/*") }, actions: ["fan-in"] }],
  }));
}

const username = Deno.env.get("REGISTRY_USERNAME"), password = Deno.env.get("REGISTRY_PASSWORD");

Deno.serve(createHandler({
  authorize,
  targets: list("FAN_IN_TARGETS"),
  systemContext: {
    ...(username !== undefined && password !== undefined ? { dockerAuthConfig: { username, password } } : {}),
    dockerInsecureSkipTlsVerify: Deno.env.get("INSECURE_REGISTRY") === "true",
  },
  kv: await Deno.openKv(Deno.env.get("FAN_IN_DATABASE")),
  // deno-lint-ignore no-console -- The output of a deployment is its log.
  onError: (error) => console.error(error),
}));
