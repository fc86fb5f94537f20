import type { SignalOptions } from "../../internal/room.ts";
import { converse } from "../../internal/host/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { parseStatus, type StatusLine } from "./status.ts";

/** Options of {@linkcode runGpg}. */
export interface RunGpgOptions extends SignalOptions {
  /** Home directory of gpg. Default: the user's. */
  readonly homedir?: string | undefined;
  /** Bytes for gpg's standard input, written one after another. Default: empty. */
  readonly input?: readonly Uint8Array[] | undefined;
}

/** Result of a run of gpg. */
export interface GpgResult {
  /** Exit code. Not sufficient as a verdict: gpg exits with 0 for unsigned content. */
  readonly code: number;
  /** Bytes that gpg wrote to standard output. */
  readonly output: Uint8Array<ArrayBuffer>;
  /** Status lines that gpg reported. */
  readonly status: readonly StatusLine[];
}

const COMMON_ARGS = [
  ...["--batch", "--no-tty", "--no-greeting", "--charset", "utf8", "--no-auto-key-retrieve"],
  // Deno connects three pipes to a process: the third one is reserved for status lines.
  ...["--logger-file", "/dev/null", "--status-fd", "2"],
];

/**
 * Runs gpg. Secrets must be passed in `input`, never in `args`, which other users can see. Never prompts.
 *
 * @throws {ManifestsError} With code `SIGNING_UNAVAILABLE` if gpg is not installed or not allowed to run.
 */
export async function runGpg(args: readonly string[], options: RunGpgOptions = {}): Promise<GpgResult> {
  const { homedir, input = [], signal } = options;
  signal?.throwIfAborted();
  if (Deno.permissions.querySync({ name: "run", command: "gpg" }).state !== "granted") {
    throw new ManifestsError("SIGNING_UNAVAILABLE", "Cannot run gpg: permission denied: run with --allow-run=gpg");
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
    throw new ManifestsError("SIGNING_UNAVAILABLE", "Cannot run gpg: it is not installed", { cause });
  }
}
