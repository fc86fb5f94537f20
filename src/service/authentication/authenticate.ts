import { Refusal } from "../refusal.ts";
import type { AuthenticateOptions, Authenticator, Grant } from "./types.ts";

/** What the bearer of a request's token may do; throws a 401 where no authenticator accepts the token. */
export async function authenticate(
  headers: Headers,
  authenticators: readonly Authenticator[],
  options: AuthenticateOptions,
): Promise<readonly Grant[]> {
  const authorization = headers.get("authorization");
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    throw unauthorized("there is no bearer token", authorization === null ? "" : ', error="invalid_request"');
  }
  for (const authenticator of authenticators) {
    const grants = await authenticator.authenticate(token, options);
    if (grants) return grants;
  }
  throw unauthorized("the bearer token is unknown, not valid or no longer valid", ', error="invalid_token"');
}

/** RFC 6750 §3. */
function unauthorized(problem: string, error: string): Refusal {
  const headers = { "www-authenticate": `Bearer realm="manifests"${error}` };
  return new Refusal(401, { code: "UNAUTHORIZED", message: `Cannot authenticate as ${problem}` }, headers);
}
