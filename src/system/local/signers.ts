import { encodeUtf8 } from "../../internal/room.ts";
import type { SigningKeys } from "../../list/room.ts";
import { openSignersWith } from "../../signature/files/room.ts";
import type { Signer } from "../../signature/room.ts";

/** Opens the keys that options name, in the order in which podman and buildah sign. */
export async function openSigners(keys: SigningKeys): Promise<readonly Signer[]> {
  const { signPassphrase, signSigstorePrivateKeyPassphrase, privateKeyPassphrasePrompt: prompt, ...rest } = keys;
  const own: Uint8Array[] = [];
  const bytesOf = (passphrase: string | Uint8Array): Uint8Array => {
    if (typeof passphrase !== "string") return passphrase;
    own.push(encodeUtf8(passphrase));
    return own.at(-1)!;
  };
  try {
    return await openSignersWith({
      ...rest,
      // For GnuPG, an empty passphrase means none.
      signPassphrase: signPassphrase?.length ? bytesOf(signPassphrase) : undefined,
      signSigstorePrivateKeyPassphrase: signSigstorePrivateKeyPassphrase === undefined
        ? undefined
        : bytesOf(signSigstorePrivateKeyPassphrase),
      privateKeyPassphrasePrompt: prompt && (async (keyFile) => bytesOf(await prompt(keyFile))),
    });
  } finally {
    for (const bytes of own) bytes.fill(0);
  }
}
