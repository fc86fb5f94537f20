import { encodeUtf8 } from "../../internal/room.ts";
import type { SigningKeys } from "../../list/room.ts";
import { openSignersWith } from "../../signature/files/room.ts";
import type { Signer } from "../../signature/room.ts";

/** Opens the keys that options name, in the order in which podman and buildah sign. */
export async function openSigners(keys: SigningKeys): Promise<readonly Signer[]> {
  const { signPassphrase, signSigstorePrivateKeyPassphrase, privateKeyPassphrasePrompt: prompt, ...rest } = keys;
  const encoded: Uint8Array[] = [];
  const encodePassphrase = (passphrase: string | Uint8Array): Uint8Array => {
    if (typeof passphrase !== "string") return passphrase;
    encoded.push(encodeUtf8(passphrase));
    return encoded.at(-1)!;
  };
  try {
    return await openSignersWith({
      ...rest,
      // For GnuPG, an empty passphrase means none.
      signPassphrase: signPassphrase?.length ? encodePassphrase(signPassphrase) : undefined,
      signSigstorePrivateKeyPassphrase: signSigstorePrivateKeyPassphrase === undefined
        ? undefined
        : encodePassphrase(signSigstorePrivateKeyPassphrase),
      privateKeyPassphrasePrompt: prompt && (async (keyFile) => encodePassphrase(await prompt(keyFile))),
    });
  } finally {
    for (const bytes of encoded) bytes.fill(0);
  }
}
