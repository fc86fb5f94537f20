import type { ImageReference } from "../../image/room.ts";
import type { Policy, SignaturePolicy } from "../../signature/room.ts";
import { type ReferenceVerdict, resolveSource, type VerifyReferenceOptions, verifyWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";
import { readPolicyFile } from "../../signature/files/room.ts";
import { loadPolicy } from "./policy.ts";

/** Options for {@linkcode verify}. */
export interface VerifyImageOptions extends VerifyReferenceOptions {
  /** Policy to check, as `signaturePolicy` of copies takes it. Default: the policy of {@linkcode loadPolicy}. */
  readonly policy?: Policy | SignaturePolicy | undefined;
}

/**
 * Checks an image, or a list and all its instances, against a policy. podman and skopeo only check instances; this
 * function also checks the list itself. An image that the policy rejects is a result, not an error.
 *
 * @param image A reference, or a name such as `docker://quay.io/me/app:1`.
 * @throws {ManifestsError} With code `POLICY_MISSING` or `POLICY_INVALID`; `NOT_FOUND`, `DIGEST_MISMATCH`,
 * `INVALID_MANIFEST`, `UNAUTHORIZED`, `DENIED`, `NETWORK` or `REGISTRY_ERROR` if the image cannot be read.
 *
 * @example
 * ```ts
 * import { create, verify } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import { createPolicy } from "@multiarch/manifests/signature";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const policy = createPolicy({ default: [{ type: "reject" }] });
 * const { allowed, top } = await verify("registry.example/app:1", { policy, systemContext });
 * assert.equal(allowed, false);
 * assert.equal(top.reasons[0]?.code, "POLICY_REJECTED");
 * ```
 */
export async function verify(
  image: string | ImageReference,
  options: VerifyImageOptions = {},
): Promise<ReferenceVerdict> {
  const { policy = await loadPolicy(options.systemContext), ...rest } = options;
  const reference = resolveSource(LOCAL_RUNTIME, image);
  return await verifyWith(reference, policy, { readFile: readPolicyFile, ...rest });
}
