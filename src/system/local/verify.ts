import type { ImageReference } from "../../image/room.ts";
import type { Policy } from "../../signature/room.ts";
import { type ReferenceVerdict, verifyReference, type VerifyReferenceOptions } from "../../actions/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { readPolicyFile } from "../../signature/files/room.ts";
import { loadPolicy } from "./policy.ts";

/** Options of {@linkcode verify}. */
export interface VerifyImageOptions extends VerifyReferenceOptions {
  /** The policy; default: that of {@linkcode loadPolicy}. */
  readonly policy?: Policy | undefined;
}

/**
 * Says whether an image, or a list and all its instances, may be believed, and why. The real tools judge instances
 * alone; here the list is judged too.
 *
 * @param image A reference, or a name such as `docker://quay.io/me/app:1`.
 * @throws {ManifestsError} With code `POLICY_MISSING`, `POLICY_INVALID`, `NOT_FOUND` and others. That an image may not
 * be believed is no error.
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
  const reference = typeof image === "string" ? LOCAL_HOST.transports.parseImageName(image) : image;
  return await verifyReference(reference, policy, { readFile: readPolicyFile, ...rest });
}
