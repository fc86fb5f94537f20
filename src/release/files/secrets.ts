import { readEnv, readRequired } from "../../config/files/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import { readPassphraseFile } from "../../signature/files/room.ts";
import { openGpgKey } from "../../signature/gpg/room.ts";
import { createSimpleSigner, openSigstoreSigner, type Signer } from "../../signature/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { OpenedSigners } from "../host.ts";
import type { ReleaseSigner, SecretPlace } from "../types.ts";
import { resolveFrom } from "./paths.ts";

/** Opens the keys of a release. Passphrases are wiped as soon as the keys are open. */
export async function openReleaseSigners(keys: readonly ReleaseSigner[], folder: string): Promise<OpenedSigners> {
  await using opened = new AsyncDisposableStack();
  const signers: Signer[] = [];
  for (const key of keys) {
    const signer = await openSigner(key, folder);
    opened.defer(() => signer[Symbol.asyncDispose]?.());
    signers.push(signer);
  }
  const held = opened.move();
  return { signers, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

async function openSigner({ key, gpg, passphrase: place }: ReleaseSigner, folder: string): Promise<Signer> {
  const passphrase = place === undefined ? undefined : await readPassphrase(place, folder);
  try {
    if (gpg !== undefined) return createSimpleSigner(await openGpgKey(gpg, passphrase ? { passphrase } : {}));
    const privateKey = await readSecret(key!, folder);
    return await openSigstoreSigner(privateKey, { passphrase: passphrase ?? new Uint8Array(), keyFile: key });
  } finally {
    passphrase?.fill(0);
  }
}

/**
 * Reads a secret from an environment variable or a file.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function readSecret(place: SecretPlace, folder: string): Promise<Uint8Array> {
  const [, kind, name = ""] = /^(env|file):(.*)$/s.exec(place) ?? [];
  if (kind === "file") return await readRequired(resolveFrom(folder, name), "private key");
  const value = readEnv(name);
  if (value !== undefined) return encodeUtf8(value);
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read the secret ${place}: the variable is not set`);
}

async function readPassphrase(place: SecretPlace, folder: string): Promise<Uint8Array> {
  const [, path] = /^file:(.*)$/s.exec(place) ?? [];
  return path === undefined ? await readSecret(place, folder) : await readPassphraseFile(resolveFrom(folder, path));
}
