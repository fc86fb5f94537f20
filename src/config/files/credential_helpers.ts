import { encodeUtf8 } from "../../internal/room.ts";
import { converse, OutputLimitError } from "../../internal/host/room.ts";
import { type Credentials, ManifestsError } from "../../spec/room.ts";
import type { HelperQuestion } from "../auth_file.ts";
import { type HelperOutcome, parseHelperAnswer } from "../credential_helper.ts";

/** Timeout of a helper, in milliseconds: long enough to request a token from a service, but not forever. */
const TIMEOUT = 30_000;
/** Maximum size of a helper's answer, in bytes. */
const MAX_ANSWER = 128 * 1024;

/** Names of helpers. They are looked up in PATH, which a slash would bypass. */
const NAME_REGEXP = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Pending requests: concurrent equal requests share one process. */
const pending = new Map<string, Promise<Credentials | undefined>>();

/**
 * Requests the credentials of a registry from `docker-credential-NAME`; `undefined` if it has none. Concurrent equal
 * requests share one process.
 *
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`. A missing program or permission is only an error if
 * the helper is not optional.
 */
export function askHelper(question: HelperQuestion): Promise<Credentials | undefined> {
  const key = JSON.stringify(question);
  let answer = pending.get(key);
  if (!answer) pending.set(key, answer = ask(question).finally(() => pending.delete(key)));
  return answer;
}

async function ask(question: HelperQuestion): Promise<Credentials | undefined> {
  const { helper, registry, isOptional } = question;
  const program = `docker-credential-${helper}`;
  const what = `credential helper ${JSON.stringify(program)} for ${registry}`;
  if (!NAME_REGEXP.test(helper)) fail(what, "invalid name");
  if (Deno.permissions.querySync({ name: "run", command: program }).state !== "granted") {
    return isOptional ? undefined : fail(what, `permission denied: run with --allow-run=${program}`);
  }
  const child = spawn(program, what);
  if (child) return parseHelperAnswer(await readOutcome(child, registry, what), what);
  return isOptional
    ? undefined
    : fail(what, "the program was not found in PATH: install it, or remove it from the configuration");
}

/** Starts a helper; `undefined` if the program does not exist. */
function spawn(program: string, what: string): Deno.ChildProcess | undefined {
  try {
    // Standard error is for the user, and never contains secrets, which are on standard output.
    return new Deno.Command(program, { args: ["get"], stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    return fail(what, (cause as Error).message);
  }
}

async function readOutcome(child: Deno.ChildProcess, registry: string, what: string): Promise<HelperOutcome> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT);
  try {
    const { code, outputs } = await converse(child, {
      input: [encodeUtf8(registry)],
      outputs: [child.stdout],
      maxOutput: MAX_ANSWER,
      signal: timeout.signal,
    });
    return { code, stdout: new TextDecoder().decode(outputs[0]) };
  } catch (error) {
    if (timeout.signal.aborted) fail(what, `it did not end within ${TIMEOUT / 1000} seconds`);
    if (error instanceof OutputLimitError) fail(what, `it answered more than ${MAX_ANSWER} bytes`);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function fail(what: string, problem: string): never {
  throw new ManifestsError("CREDENTIAL_HELPER_FAILED", `Cannot use ${what}: ${problem}`);
}
