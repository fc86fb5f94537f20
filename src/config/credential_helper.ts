import { isObject } from "../json/room.ts";
import { type Credentials, ManifestsError } from "../spec/room.ts";

/** Result of a run of a credential helper. */
export interface HelperOutcome {
  /** Exit code of the helper. */
  readonly code: number;
  /** Output of the helper, which may contain a secret. */
  readonly stdout: string;
}

/**
 * Exact output of a helper that has no credentials for a registry (docker-credential-helpers,
 * `errCredentialsNotFound`).
 */
const NOT_FOUND = "credentials not found in native keychain";

/** User name that marks the secret as an identity token. */
const TOKEN_USER = "<token>";

/**
 * Parses the answer of `docker-credential-NAME get`; `undefined` if the helper has no credentials for the registry.
 *
 * @param what Helper and registry for error messages.
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`. The message does not quote a successful helper's
 * output.
 */
export function parseHelperAnswer({ code, stdout }: HelperOutcome, what: string): Credentials | undefined {
  if (code !== 0) {
    const output = stdout.trim();
    if (output === NOT_FOUND) return undefined;
    fail(`${what}: it ended with exit code ${code}${output && `: ${output.split("\n")[0]!.slice(0, 200)}`}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    fail(`${what}: its answer is not JSON`);
  }
  const { Username: username, Secret: secret } = isObject(answer) ? answer : {};
  if (typeof username !== "string" || typeof secret !== "string") {
    fail(`${what}: its answer lacks Username or Secret`);
  }
  // Some helpers report missing credentials by empty members.
  if (username === "" && secret === "") return undefined;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

function fail(problem: string): never {
  throw new ManifestsError("CREDENTIAL_HELPER_FAILED", `Cannot use ${problem}`);
}
