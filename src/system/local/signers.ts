import { encodeUtf8 } from "../../internal/mod.ts";
import type { SigningKeys } from "../../list/mod.ts";
import { openSigners as openSignersOfFiles } from "../../signature/files/mod.ts";
import type { Signer } from "../../signature/mod.ts";

/** Opens the keys that options name, in the order in which the real tools sign. */
export async function openSigners(keys: SigningKeys): Promise<readonly Signer[]> {
  const { signPassphrase, signSigstorePrivateKeyPassphrase, ...rest } = keys;
  return await openSignersOfFiles({
    ...rest,
    // For GnuPG, an empty passphrase means none.
    signPassphrase: signPassphrase?.length ? bytesOf(signPassphrase) : undefined,
    signSigstorePrivateKeyPassphrase: bytesOf(signSigstorePrivateKeyPassphrase),
  });
}

function bytesOf(passphrase: string | Uint8Array | undefined): Uint8Array | undefined {
  return typeof passphrase === "string" ? encodeUtf8(passphrase) : passphrase;
}
