/**
 * An entry point for Deno Deploy: publishes indexes for workflows of GitHub Actions, which show their OpenID Connect
 * tokens, and for whoever knows `FAN_IN_TOKEN`. It reads its settings from the environment:
 *
 * - `FAN_IN_TARGETS`: the repositories that may be written, as in `quay.io/me/app,quay.io/me/tools/*`.
 * - `REGISTRY_USERNAME`, `REGISTRY_PASSWORD`: for all of them, which are in one registry then.
 * - `GITHUB_REPOSITORIES`: whose workflows may report, as in `me/app,me/tools`; `GITHUB_REFS`: of which branches and
 *   tags, default `refs/tags/*`; `FAN_IN_AUDIENCE`: what their tokens are for, such as the address of this deployment;
 *   `GITHUB_ISSUER`: of GitHub Enterprise.
 * - `FAN_IN_TOKEN`: a bearer token, of 16 characters at least, that may do everything.
 * - `FAN_IN_DATABASE`: the file of the database; default: the one of the deployment.
 * - `INSECURE_REGISTRY`: `true` for a registry on this machine that speaks plain HTTP.
 *
 * To try it: `deno run --allow-net --allow-env --unstable-kv examples/deploy.ts`; with a file of its own as database, also
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
      if (!response.ok) throw new Error(`Cannot get the keys of ${issuer} as it answered ${response.status}`);
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
  // deno-lint-ignore no-console -- What a deployment prints is its log.
  onError: (error) => console.error(error),
}));
