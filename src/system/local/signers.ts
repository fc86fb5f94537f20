import { encodeUtf8 } from "../../internal/mod.ts";
import type { SigningKeys } from "../../list/mod.ts";
import { createSimpleSigner, openSigstoreSigner, type Signer } from "../../signature/mod.ts";
import { ManifestsError } from "../../spec/mod.ts";
import { openGpgKey } from "../../signature/gpg/mod.ts";

/** Opens the keys that options name, in the order in which the real tools sign. */
export async function openSigners(keys: SigningKeys): Promise<readonly Signer[]> {
  const { signBy, signPassphrase, signBySigstorePrivateKeyFile, signSigstorePrivateKeyPassphrase } = keys;
  const signers: Signer[] = [];
  if (signBy !== undefined) {
    // An empty passphrase means none for GnuPG.
    const passphrase = bytesOf(signPassphrase || undefined);
    signers.push(createSimpleSigner(await openGpgKey(signBy, { passphrase })));
  }
  if (signBySigstorePrivateKeyFile !== undefined) {
    const passphrase = bytesOf(signSigstorePrivateKeyPassphrase);
    signers.push(await openSigstoreSigner(await readKey(signBySigstorePrivateKeyFile), { passphrase }));
  }
  return signers;
}

async function readKey(path: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new ManifestsError("KEY_INVALID", `Cannot read private key ${path}: ${(cause as Error).message}`, { cause });
  }
}

function bytesOf(passphrase: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof passphrase === "string" ? encodeUtf8(passphrase) : passphrase;
}
