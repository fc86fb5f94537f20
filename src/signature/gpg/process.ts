import type { SignalOptions } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { parseStatus, type StatusLine } from "./status.ts";

/** Options of {@linkcode runGpg}. */
export interface RunGpgOptions extends SignalOptions {
  /** gpg's home; default: the user's. */
  readonly homedir?: string | undefined;
  /** What it reads. */
  readonly input?: readonly Uint8Array[] | undefined;
}

/** What gpg did. */
export interface GpgResult {
  /** Exit code. It says little: content that nobody signed exits 0. */
  readonly code: number;
  /** What it wrote. */
  readonly output: Uint8Array<ArrayBuffer>;
  /** What it told. */
  readonly status: readonly StatusLine[];
}

const COMMON_ARGS = [
  ...["--batch", "--no-tty", "--no-greeting", "--charset", "utf8", "--no-auto-key-retrieve"],
  // Deno gives a process three pipes, so status lines take the third, alone.
  ...["--logger-file", "/dev/null", "--status-fd", "2"],
];

/**
 * Runs gpg. What is secret goes through its standard input, never through its arguments.
 *
 * @throws {ManifestsError} With code `SIGNING_UNAVAILABLE` where it is missing or may not be run. Never prompts.
 */
export async function runGpg(args: readonly string[], options: RunGpgOptions = {}): Promise<GpgResult> {
  const { homedir, input = [], signal } = options;
  signal?.throwIfAborted();
  if (Deno.permissions.querySync({ name: "run", command: "gpg" }).state !== "granted") {
    throw new ManifestsError("SIGNING_UNAVAILABLE", "Cannot run gpg as that is not allowed: run with --allow-run=gpg");
  }
  const child = spawn([...COMMON_ARGS, ...(homedir === undefined ? [] : ["--homedir", homedir]), ...args], signal);
  const [{ code, stdout, stderr }] = await Promise.all([child.output(), feed(child.stdin, input)]);
  signal?.throwIfAborted();
  return { code, output: stdout, status: parseStatus(stderr) };
}

function spawn(args: string[], signal: AbortSignal | undefined): Deno.ChildProcess {
  try {
    return new Deno.Command("gpg", {
      args,
      env: { LC_ALL: "C" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      ...(signal ? { signal } : {}),
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ManifestsError("SIGNING_UNAVAILABLE", "Cannot run gpg as it is not installed", { cause });
  }
}

/** gpg may end before it has read everything, as when the passphrase is wrong; its status then says why. */
async function feed(stdin: WritableStream<Uint8Array>, input: readonly Uint8Array[]): Promise<void> {
  const writer = stdin.getWriter();
  try {
    for (const bytes of input) await writer.write(bytes);
    await writer.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
