import {
  type AttestationsVerdict,
  type VerifyAttestationsOptions,
  verifyAttestationsWith,
} from "../../actions/room.ts";
import type { ImageReference } from "../../image/room.ts";
import { REMOTE_RUNTIME } from "./runtime.ts";

/**
 * Checks the attestations of an image or index against a policy: who signed them, what type they have, and, for the
 * provenance of an assembly, which builder made the index and whether its sources account for all its entries.
 * Attestations that are not accepted are a result, not an error.
 *
 * @throws {ManifestsError} With code `KEY_INVALID` if a key cannot be parsed; `NOT_FOUND`, `DIGEST_MISMATCH`,
 * `INVALID_MANIFEST`, `LIMIT_EXCEEDED`, `UNAUTHORIZED`, `DENIED`, `NETWORK` or `REGISTRY_ERROR` if the image or an
 * attestation cannot be read.
 *
 * @example
 * ```ts
 * import { composeIndex, create, verifyAttestations } from "@multiarch/manifests/remote";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import { generateSigstoreKeyPair, openSigstoreSigner } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const encode = (text: string) => new TextEncoder().encode(text);
 * const passphrase = encode("secret");
 * const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
 * await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * const [target, image] = ["registry.example/app:1", "registry.example/app:1-amd64"];
 * await create().push(image, { systemContext }); // stands for an image
 * await composeIndex({ target, sources: [image], provenance: { signer }, systemContext });
 *
 * const publicKeys = [encode(publicKey)];
 * const { allowed } = await verifyAttestations(target, { publicKeys, assembly: true, systemContext });
 * assert.ok(allowed);
 * ```
 */
export async function verifyAttestations(
  image: string | ImageReference,
  options: VerifyAttestationsOptions,
): Promise<AttestationsVerdict> {
  return await verifyAttestationsWith(REMOTE_RUNTIME, image, options);
}
