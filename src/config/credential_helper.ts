import { isObject } from "../json/room.ts";
import { type Credentials, ManifestsError } from "../spec/room.ts";

/** What a credential helper left when it ended. */
export interface HelperOutcome {
  /** Exit code. */
  readonly code: number;
  /** What it printed, which may be a secret. */
  readonly stdout: string;
}

/** What helpers print, word for word, where they know nothing of a registry. */
const NOT_FOUND = "credentials not found in native keychain";

/** The user name that says that the secret is an identity token. */
const TOKEN_USER = "<token>";

/**
 * Reads the answer of `docker-credential-NAME get`; `undefined` where the helper has nothing for the registry.
 *
 * @param what Names the helper and the registry in errors.
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`. No error repeats what a successful helper printed.
 */
export function parseHelperAnswer({ code, stdout }: HelperOutcome, what: string): Credentials | undefined {
  if (code !== 0) {
    const said = stdout.trim();
    if (said === NOT_FOUND) return undefined;
    fail(`${what} as it ended with exit code ${code}${said && `: ${said.split("\n")[0]!.slice(0, 200)}`}`);
  }
  let answer: unknown;
  try {
    answer = JSON.parse(stdout);
  } catch {
    fail(`${what} as its answer is not JSON`);
  }
  const { Username: username, Secret: secret } = isObject(answer) ? answer : {};
  if (typeof username !== "string" || typeof secret !== "string") {
    fail(`${what} as its answer has no Username or no Secret`);
  }
  // An empty answer is how some say that they have nothing.
  if (username === "" && secret === "") return undefined;
  return username === TOKEN_USER ? { identityToken: secret } : { username, password: secret };
}

function fail(problem: string): never {
  throw new ManifestsError("CREDENTIAL_HELPER_FAILED", `Cannot use ${problem}`);
}
