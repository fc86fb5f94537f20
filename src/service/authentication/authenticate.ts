import { HandlerError } from "../handler_error.ts";
import type { AuthenticateOptions, Authenticator, Caller } from "./types.ts";

/** Returns the bearer of a request's token; throws an error with status 401 if no authenticator accepts it. */
export async function authenticate(
  headers: Headers,
  authenticators: readonly Authenticator[],
  options: AuthenticateOptions,
): Promise<Caller> {
  const authorization = headers.get("authorization");
  const token = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) {
    throw unauthorized("the request has no bearer token", authorization === null ? "" : ', error="invalid_request"');
  }
  for (const authenticator of authenticators) {
    const caller = await authenticator.authenticate(token, options);
    if (caller) return { ...caller, name: toPrintable(caller.name) };
  }
  throw unauthorized("the bearer token is unknown, invalid or expired", ', error="invalid_token"');
}

/** Returns the start of a name in printable ASCII, so that it is safe in log lines and small in the record of a run. */
function toPrintable(name: string): string {
  return name.slice(0, 100).replace(/[^\x20-\x7e]/g, "?");
}

/** Returns the 401 error with the challenge of RFC 6750 §3. */
function unauthorized(problem: string, error: string): HandlerError {
  const headers = { "www-authenticate": `Bearer realm="manifests"${error}` };
  return new HandlerError(401, { code: "UNAUTHORIZED", message: `Cannot authenticate: ${problem}` }, headers);
}
