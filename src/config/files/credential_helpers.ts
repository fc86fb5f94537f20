import { encodeUtf8 } from "../../internal/room.ts";
import { converse, OutputLimitError } from "../../internal/host/room.ts";
import { type Credentials, ManifestsError } from "../../spec/room.ts";
import type { HelperQuestion } from "../auth_file.ts";
import { type HelperOutcome, parseHelperAnswer } from "../credential_helper.ts";

/** How long a helper may take, in milliseconds: it may ask a service for a token, but nobody waits for ever. */
const TIMEOUT = 30_000;
/** How much a helper may answer, in bytes. */
const MAX_ANSWER = 128 * 1024;

/** Helpers are looked up in PATH: a name with a slash would be another program. */
const NAME_REGEXP = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/** Questions that are being answered: who asks the same at the same time waits for the same process. */
const asked = new Map<string, Promise<Credentials | undefined>>();

/**
 * Asks `docker-credential-NAME` for the credentials of a registry; `undefined` where it has none. What is asked several
 * times at once is answered by one process.
 *
 * @throws {ManifestsError} With code `CREDENTIAL_HELPER_FAILED`; unless the helper is optional, also where there is no
 * such program, or it may not be run.
 */
export function askHelper(question: HelperQuestion): Promise<Credentials | undefined> {
  const key = JSON.stringify(question);
  let answer = asked.get(key);
  if (!answer) asked.set(key, answer = ask(question).finally(() => asked.delete(key)));
  return answer;
}

async function ask(question: HelperQuestion): Promise<Credentials | undefined> {
  const { helper, registry, isOptional } = question;
  const program = `docker-credential-${helper}`;
  const what = `credential helper ${JSON.stringify(program)} for ${registry}`;
  if (!NAME_REGEXP.test(helper)) fail(what, "its name is none");
  if (Deno.permissions.querySync({ name: "run", command: program }).state !== "granted") {
    return isOptional ? undefined : fail(what, `it may not be run: run with --allow-run=${program}`);
  }
  const child = spawn(program, what);
  if (child) return parseHelperAnswer(await readOutcome(child, registry, what), what);
  return isOptional ? undefined : fail(what, "there is no such program in PATH");
}

/** Starts a helper; `undefined` where there is none. */
function spawn(program: string, what: string): Deno.ChildProcess | undefined {
  try {
    // What it says to people goes to people; secrets are on stdout alone.
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
  throw new ManifestsError("CREDENTIAL_HELPER_FAILED", `Cannot use ${what} as ${problem}`);
}
