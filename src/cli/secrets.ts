import { abortable } from "../internal/room.ts";
import { UsageError } from "./errors.ts";

/** Maximum size of a secret on standard input, in bytes: a token may be long, but not a file by mistake. */
const MAX_INPUT = 64 * 1024;

/**
 * Asks for a secret on the terminal without echoing it.
 *
 * @param what Name of the secret, such as `passphrase for key.private`.
 * @param instead Advice for the error message if standard input is not a terminal.
 * @param signal Ends the wait for the user. Default: the wait does not end.
 * @throws {UsageError} Standard input is not a terminal.
 */
export async function readSecret(what: string, instead: string, signal?: AbortSignal): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError(`Cannot ask for the ${what}: standard input is not a terminal. ${instead}`);
  }
  await Deno.stdout.write(new TextEncoder().encode(`${what[0]!.toUpperCase()}${what.slice(1)}: `));
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    return await readLine(signal);
  } finally {
    Deno.stdin.setRaw(false);
    await Deno.stdout.write(new TextEncoder().encode("\n"));
  }
}

/** Prints a prompt and reads a line of standard input; the text before the end if it has no line break. */
export async function askText(prompt: string, signal: AbortSignal): Promise<string> {
  await Deno.stdout.write(new TextEncoder().encode(prompt));
  return await readLine(signal);
}

/**
 * Reads standard input to its end.
 *
 * @throws {UsageError} It is longer than 64 KiB.
 */
export async function readAllInput(signal: AbortSignal): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  const buffer = new Uint8Array(4096);
  for (;;) {
    const length = await abortable(Deno.stdin.read(buffer), signal);
    if (length === null) return text + decoder.decode();
    size += length;
    if (size > MAX_INPUT) throw new UsageError(`Cannot read standard input: it is longer than ${MAX_INPUT} bytes`);
    text += decoder.decode(buffer.subarray(0, length), { stream: true });
  }
}

async function readLine(signal = new AbortController().signal): Promise<string> {
  const buffer = new Uint8Array(256);
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const length = await abortable(Deno.stdin.read(buffer), signal);
    if (length === null) return text;
    for (const char of decoder.decode(buffer.subarray(0, length), { stream: true })) {
      if (char === "\r" || char === "\n") return text;
      text = char === "\x7f" || char === "\b" ? text.slice(0, -1) : text + char;
    }
  }
}
