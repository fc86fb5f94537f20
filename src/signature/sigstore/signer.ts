import { encodeBase64 } from "../../internal/mod.ts";
import { ManifestsError } from "../../spec/mod.ts";
import { encodePayload } from "../payload.ts";
import { claimsFor, type SignerOptions } from "../simple_signing.ts";
import { type Signer, SIGSTORE_MEDIA_TYPE } from "../types.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { openPrivateKey } from "./keys.ts";
import { signBytes } from "./raw_signature.ts";

/** Options of {@linkcode openSigstoreSigner}. */
export interface SigstoreSignerOptions extends SignerOptions {
  /** What unlocks the key, as UTF-8; may be empty, but must be there. The caller may wipe it afterwards. */
  readonly passphrase?: Uint8Array | undefined;
}

/**
 * Opens a private key of cosign's form, to sign images with it in the sigstore way.
 *
 * @param privateKey The content of the file.
 * @throws {ManifestsError} With code `KEY_INVALID`, `PASSPHRASE_REQUIRED` or `PASSPHRASE_WRONG`.
 */
export async function openSigstoreSigner(
  privateKey: Uint8Array,
  options: SigstoreSignerOptions = {},
): Promise<Signer & AsyncDisposable> {
  if (!options.passphrase) {
    throw new ManifestsError("PASSPHRASE_REQUIRED", "Cannot open private key as its passphrase is not provided");
  }
  const key = await openPrivateKey(privateKey, options.passphrase);
  return {
    kind: "sigstore",
    description: "using a sigstore signature",
    // deno-lint-ignore require-await -- What is wrong is a rejection, as with other signers.
    async sign(manifest, identity, { signal } = {}) {
      signal?.throwIfAborted();
      const payload = encodePayload("cosign container image signature", claimsFor(manifest, identity, options));
      const annotations = { [ANNOTATIONS.signature]: encodeBase64(signBytes(key, payload)) };
      return { kind: "sigstore", mediaType: SIGSTORE_MEDIA_TYPE, payload, annotations };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
