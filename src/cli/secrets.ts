import { UsageError } from "./errors.ts";

/** Asks for a secret on the terminal, without showing it. Throws where there is no terminal. */
export async function readSecret(question: string): Promise<string> {
  await Deno.stdout.write(new TextEncoder().encode(question));
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError("could not read password from terminal: inappropriate ioctl for device");
  }
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
