import { UsageError } from "./errors.ts";

/**
 * Asks for a secret on the terminal without echoing it.
 *
 * @param what Name of the secret, such as `passphrase for key.private`.
 * @param instead Advice for the error message if standard input is not a terminal.
 * @throws {UsageError} Standard input is not a terminal.
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
