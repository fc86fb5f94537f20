import { encodeUtf8 } from "../../internal/room.ts";
import { readPassphraseFile } from "../../signature/files/room.ts";
import { generateSigstoreKeyPair } from "../../signature/room.ts";
import { UsageError } from "../errors.ts";
import { print } from "../output.ts";
import { readSecret } from "../secrets.ts";

/** Flags of `generate-sigstore-key`. */
export interface GenerateSigstoreKeyFlags {
  outputPrefix?: string;
  passphraseFile?: string;
}

/** Runs `generate-sigstore-key --output-prefix PREFIX`, which writes two new files. The error messages are those of skopeo. */
export async function generateSigstoreKey(operands: string[], flags: GenerateSigstoreKeyFlags): Promise<void> {
  const { outputPrefix: prefix, passphraseFile } = flags;
  if (operands.length > 0 || !prefix) throw new UsageError("Usage: generate-sigstore-key --output-prefix PREFIX");
  const [publicFile, privateFile] = [`${prefix}.pub`, `${prefix}.private`];
  for (const file of [publicFile, privateFile]) await assertAbsent(file);
  const passphrase = passphraseFile ? await readPassphraseFile(passphraseFile) : await askPassphrase(privateFile);
  const pair = await generateSigstoreKeyPair(passphrase).finally(() => passphrase.fill(0));
  await writeNew("private", privateFile, pair.privateKey, 0o600);
  try {
    await writeNew("public", publicFile, pair.publicKey, 0o644);
  } catch (error) {
    // A private key without its public key would make the next attempt fail.
    await Deno.remove(privateFile);
    throw error;
  }
  print(`Key written to ${JSON.stringify(privateFile)} and ${JSON.stringify(publicFile)}`);
}

/** Checks that a file does not exist, before the user is asked for a passphrase. */
async function assertAbsent(file: string): Promise<void> {
  try {
    await Deno.stat(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new Error(`Error checking existence of ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
  throw createOverwriteError(file);
}

async function askPassphrase(file: string): Promise<Uint8Array> {
  return encodeUtf8(await readSecret(`passphrase for key ${file}`, "Use --passphrase-file"));
}

async function writeNew(half: "private" | "public", file: string, text: string, mode: number): Promise<void> {
  try {
    await Deno.writeTextFile(file, text, { createNew: true, mode });
  } catch (error) {
    // The file was created in the meantime, or is a dangling link.
    if (error instanceof Deno.errors.AlreadyExists) throw createOverwriteError(file);
    await Deno.remove(file).catch(() => {});
    throw new Error(`Error writing ${half} key to ${JSON.stringify(file)}: ${(error as Error).message}`);
  }
}

function createOverwriteError(file: string): Error {
  return new Error(`Refusing to overwrite existing ${JSON.stringify(file)}`);
}
