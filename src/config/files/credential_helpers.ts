import { encodeUtf8 } from "../../internal/room.ts";
import { converse, OutputLimitError } from "../../internal/host/room.ts";
import { type Credentials, ManifestsError } from "../../spec/room.ts";
import type { HelperQuestion } from "../auth_file.ts";
import {
  describeExit,
  type HelperOutcome,
  isNotFound,
  parseHelperAnswer,
  parseHelperList,
} from "../credential_helper.ts";

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

async function ask({ helper, registry, isOptional }: HelperQuestion): Promise<Credentials | undefined> {
  const what = describeHelper(helper, registry);
  const outcome = await runHelper(helper, "get", { what, input: registry, isOptional });
  return outcome && parseHelperAnswer(outcome, what);
}

/**
 * Saves a user name and password with `docker-credential-NAME store`.
 *
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`. The message does not contain the password.
 */
export async function storeInHelper(
  helper: string,
  registry: string,
  { username, password }: Required<Pick<Credentials, "username" | "password">>,
): Promise<void> {
  const what = describeHelper(helper, registry);
  const input = JSON.stringify({ ServerURL: registry, Username: username, Secret: password });
  const { code, stdout } = await runHelper(helper, "store", { what, input });
  if (code !== 0) fail(what, describeExit({ code, stdout: stdout.includes(password) ? "" : stdout }));
}

/**
 * Deletes the credentials of a registry with `docker-credential-NAME erase`. Returns `false` if the helper had none.
 *
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`.
 */
export async function eraseFromHelper(helper: string, registry: string): Promise<boolean> {
  const what = describeHelper(helper, registry);
  const outcome = await runHelper(helper, "erase", { what, input: registry });
  if (outcome.code === 0) return true;
  return isNotFound(outcome) ? false : fail(what, describeExit(outcome));
}

/**
 * Lists the registries for which a helper has credentials, with `docker-credential-NAME list`.
 *
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`.
 */
export async function listInHelper(helper: string): Promise<string[]> {
  const what = describeHelper(helper, "all registries");
  const outcome = await runHelper(helper, "list", { what, input: "" });
  if (outcome.code !== 0) return fail(what, describeExit(outcome));
  return parseHelperList(outcome.stdout) ?? fail(what, "its answer is not a JSON object");
}

function describeHelper(helper: string, registry: string): string {
  return `credential helper ${JSON.stringify(`docker-credential-${helper}`)} for ${registry}`;
}

/** A run of a helper. */
interface HelperRun {
  /** Helper and registry for error messages. */
  readonly what: string;
  /** Text for its standard input. */
  readonly input: string;
  /** Whether a missing program or permission is not an error. Default: `false`. */
  readonly isOptional?: boolean;
}

async function runHelper(helper: string, verb: string, run: HelperRun & { isOptional?: false }): Promise<HelperOutcome>;
async function runHelper(helper: string, verb: string, run: HelperRun): Promise<HelperOutcome | undefined>;
async function runHelper(helper: string, verb: string, run: HelperRun): Promise<HelperOutcome | undefined> {
  const { what, input, isOptional = false } = run;
  const program = `docker-credential-${helper}`;
  if (!NAME_REGEXP.test(helper)) fail(what, "invalid name");
  if (Deno.permissions.querySync({ name: "run", command: program }).state !== "granted") {
    return isOptional ? undefined : fail(what, `permission denied: run with --allow-run=${program}`);
  }
  const child = spawn(program, verb, what);
  if (child) return await readOutcome(child, input, what);
  return isOptional
    ? undefined
    : fail(what, "the program was not found in PATH: install it, or remove it from the configuration");
}

/** Starts a helper; `undefined` if the program does not exist. */
function spawn(program: string, verb: string, what: string): Deno.ChildProcess | undefined {
  try {
    // Standard error is for the user, and never contains secrets, which are on standard output.
    return new Deno.Command(program, { args: [verb], stdin: "piped", stdout: "piped", stderr: "inherit" }).spawn();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    return fail(what, (cause as Error).message);
  }
}

async function readOutcome(child: Deno.ChildProcess, input: string, what: string): Promise<HelperOutcome> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), TIMEOUT);
  try {
    const { code, outputs } = await converse(child, {
      input: [encodeUtf8(input)],
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
