import { encodeUtf8 } from "../../internal/mod.ts";
import type { SigningKeys } from "../../list/mod.ts";
import { createSimpleSigner, type Signer } from "../../signature/mod.ts";
import { openGpgKey } from "../../signature/gpg/mod.ts";

/** Opens the keys that options name, in the order in which the real tools sign. */
export async function openSigners(keys: SigningKeys): Promise<readonly Signer[]> {
  const { signBy, signPassphrase } = keys;
  const signers: Signer[] = [];
  if (signBy !== undefined) {
    // An empty passphrase means none for GnuPG.
    const passphrase = bytesOf(signPassphrase || undefined);
    signers.push(createSimpleSigner(await openGpgKey(signBy, { passphrase })));
  }
  return signers;
}

function bytesOf(passphrase: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof passphrase === "string" ? encodeUtf8(passphrase) : passphrase;
}
