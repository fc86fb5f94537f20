import { encodeBase64 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { encodePayload } from "../payload.ts";
import { createClaims, type SignerOptions } from "../simple_signing.ts";
import { type Signer, SIGSTORE_MEDIA_TYPE, type SigstoreSignature } from "../types.ts";
import { bytesToSign } from "../attestation/envelope.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { openPrivateKey } from "./keys.ts";
import { logSignature } from "./rekor.ts";
import type { RekorOptions } from "./rekor_client.ts";

/** Options of {@linkcode openSigstoreSigner}. */
export interface SigstoreSignerOptions extends SignerOptions {
  /**
   * Passphrase of the key, in UTF-8; it may be empty. The caller may wipe it afterwards. `undefined`: opening the key
   * fails with `PASSPHRASE_REQUIRED`.
   */
  readonly passphrase?: Uint8Array | undefined;
  /** Path of the key's file, for error messages. Default: the messages name no file. */
  readonly keyFile?: string | undefined;
  /**
   * Transparency log that must record a signature before it is used. Default: none. Attestations are not recorded.
   */
  readonly rekor?: RekorOptions | undefined;
}

/**
 * Opens a private key in cosign's format and creates a signer that makes sigstore signatures.
 *
 * @param privateKey Content of the key file.
 * @throws {ManifestsError} With code `KEY_INVALID`, `PASSPHRASE_REQUIRED` or `PASSPHRASE_WRONG`.
 *
 * @example
 * ```ts
 * import { generateSigstoreKeyPair, openSigstoreSigner, verifySigstoreSignature } from "@multiarch/manifests/signature";
 * import { digestOf, parseReference } from "@multiarch/manifests/spec";
 * import assert from "node:assert/strict";
 *
 * const encode = (text: string) => new TextEncoder().encode(text);
 * const passphrase = encode("secret");
 * const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
 * await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
 * const manifest = encode("{}");
 * const signature = await signer.sign(manifest, parseReference("quay.io/me/app:1"));
 *
 * assert.equal(signature.kind, "sigstore");
 * const { claims } = await verifySigstoreSignature(signature, {
 *   trust: { kind: "keys", publicKeys: [encode(publicKey)] },
 *   manifestDigest: digestOf(manifest),
 *   acceptsReference: (name) => name === "quay.io/me/app:1",
 * });
 * assert.equal(claims.reference, "quay.io/me/app:1");
 * ```
 */
export async function openSigstoreSigner(
  privateKey: Uint8Array,
  options: SigstoreSignerOptions = {},
): Promise<Signer<SigstoreSignature> & AsyncDisposable> {
  const { passphrase, keyFile } = options;
  const what = keyFile === undefined ? "private key" : `private key ${JSON.stringify(keyFile)}`;
  if (!passphrase) {
    throw new ManifestsError(
      "PASSPHRASE_REQUIRED",
      `Cannot open ${what}: its passphrase is missing: pass it, or an empty one if the key has none`,
    );
  }
  const key = await openPrivateKey(privateKey, passphrase, what);
  const { rekor } = options;
  return {
    kind: "sigstore",
    description: "using a sigstore signature",
    async sign(manifest, identity, { signal, digest } = {}) {
      signal?.throwIfAborted();
      const claims = createClaims(manifest, identity, { ...options, digest });
      const payload = encodePayload("cosign container image signature", claims);
      const raw = await key.sign(payload);
      const annotations: Record<string, string> = { [ANNOTATIONS.signature]: encodeBase64(raw) };
      if (rekor) {
        annotations[ANNOTATIONS.set] = await logSignature({ payload, raw, signer: key.spki }, rekor, { signal });
      }
      return { kind: "sigstore", mediaType: SIGSTORE_MEDIA_TYPE, payload, annotations };
    },
    async signStatement(statement) {
      return { signature: await key.sign(bytesToSign(statement)), publicKey: key.spki };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
