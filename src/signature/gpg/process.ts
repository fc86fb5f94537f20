import type { SignalOptions } from "../../internal/room.ts";
import { converse } from "../../internal/host/room.ts";
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
  const child = spawn([...COMMON_ARGS, ...(homedir === undefined ? [] : ["--homedir", homedir]), ...args]);
  const { code, outputs } = await converse(child, { input, outputs: [child.stdout, child.stderr], signal });
  const [output, status] = outputs as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
  return { code, output, status: parseStatus(status) };
}

function spawn(args: string[]): Deno.ChildProcess {
  try {
    return new Deno.Command("gpg", {
      args,
      env: { LC_ALL: "C" },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ManifestsError("SIGNING_UNAVAILABLE", "Cannot run gpg as it is not installed", { cause });
  }
}
