import type { SystemContext } from "../../image/room.ts";
import { loadPolicyFile, readPolicyFile } from "../../signature/files/room.ts";
import { createSignaturePolicy, type Policy, type SignaturePolicy } from "../../signature/room.ts";

/**
 * Loads the policy of this host: `systemContext.signaturePolicyPath`, else the user's `policy.json`, else the system's.
 * Go: `signature.DefaultPolicy`.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` if there is no policy file, `POLICY_INVALID` or
 * `CONFIG_FILE_UNREADABLE`.
 *
 * @example
 * ```ts
 * import { loadPolicy } from "@multiarch/manifests";
 * import assert from "node:assert/strict";
 *
 * const signaturePolicyPath = await Deno.makeTempFile();
 * await Deno.writeTextFile(signaturePolicyPath, `{ "default": [{ "type": "insecureAcceptAnything" }] }`);
 * const policy = await loadPolicy({ signaturePolicyPath });
 * assert.equal(policy.default[0]?.type, "insecureAcceptAnything");
 * await Deno.remove(signaturePolicyPath);
 * ```
 */
export async function loadPolicy(systemContext: SystemContext = {}): Promise<Policy> {
  return await loadPolicyFile({ path: systemContext.signaturePolicyPath });
}

/**
 * Loads the policy of this host, as {@linkcode loadPolicy} does, as an object that checks images. The files of keys that
 * it names are read when they are needed.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING`, `POLICY_INVALID` or `CONFIG_FILE_UNREADABLE`.
 *
 * @example
 * ```ts
 * import { copyImage, create, loadSignaturePolicy } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const signaturePolicyPath = await Deno.makeTempFile();
 * await Deno.writeTextFile(signaturePolicyPath, `{ "default": [{ "type": "reject" }] }`);
 * const signaturePolicy = await loadSignaturePolicy({ signaturePolicyPath });
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const copying = copyImage("registry.example/app:1", "registry.example/copy:1", { systemContext, signaturePolicy });
 * await assert.rejects(copying, { code: "POLICY_REJECTED" });
 * await Deno.remove(signaturePolicyPath);
 * ```
 */
export async function loadSignaturePolicy(systemContext: SystemContext = {}): Promise<SignaturePolicy> {
  return createSignaturePolicy(await loadPolicy(systemContext), { readFile: readPolicyFile });
}
