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
  if (code !== 0) return isNotFound({ code, stdout }) ? undefined : fail(`${what}: ${describeExit({ code, stdout })}`);
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

/** Parses the answer of `docker-credential-NAME list`, the users by registry; `undefined` if it is not an object. */
export function parseHelperList(stdout: string): string[] | undefined {
  try {
    const answer: unknown = JSON.parse(stdout);
    return isObject(answer) ? Object.keys(answer) : undefined;
  } catch {
    return undefined;
  }
}

/** Returns whether a helper failed because it has no credentials for the registry. */
export function isNotFound({ code, stdout }: HelperOutcome): boolean {
  return code !== 0 && stdout.trim() === NOT_FOUND;
}

/** Describes a failed run of a helper by its exit code and the first line of its output. */
export function describeExit({ code, stdout }: HelperOutcome): string {
  const output = stdout.trim();
  return `it ended with exit code ${code}${output && `: ${output.split("\n")[0]!.slice(0, 200)}`}`;
}

function fail(problem: string): never {
  throw new ManifestsError("CREDENTIAL_HELPER_FAILED", `Cannot use ${problem}`);
}
