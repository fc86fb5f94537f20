import { UsageError } from "./errors.ts";

/**
 * Asks for a secret on the terminal, without showing it.
 *
 * @param what What is asked for, as in `passphrase for key.private`.
 * @param instead What to do if standard input is not a terminal, which is an error.
 */
export async function readSecret(what: string, instead: string): Promise<string> {
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError(`Cannot ask for the ${what}: standard input is not a terminal. ${instead}`);
  }
  await Deno.stdout.write(new TextEncoder().encode(`${what[0]!.toUpperCase()}${what.slice(1)}: `));
  Deno.stdin.setRaw(true, { cbreak: true });
  try {
    return await readLine();
  } finally {
    Deno.stdin.setRaw(false);
    await Deno.stdout.write(new TextEncoder().encode("\n"));
  }
}

async function readLine(): Promise<string> {
  const buffer = new Uint8Array(256);
  let text = "";
  for (;;) {
    const length = await Deno.stdin.read(buffer);
    if (length === null) return text;
    for (const char of new TextDecoder().decode(buffer.subarray(0, length))) {
      if (char === "\r" || char === "\n") return text;
      text = char === "\x7f" || char === "\b" ? text.slice(0, -1) : text + char;
    }
  }
}
