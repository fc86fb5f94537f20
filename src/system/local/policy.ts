import type { SystemContext } from "../../image/room.ts";
import { loadPolicyFile, readPolicyFile } from "../../signature/files/room.ts";
import { createSignaturePolicy, type Policy, type SignaturePolicy } from "../../signature/room.ts";
import { policyForLists } from "../list_policy.ts";

/**
 * Loads the policy of this host: `systemContext.signaturePolicyPath`, else the user's `policy.json`, else the system's.
 * Go: `signature.DefaultPolicy`.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` where there is none, `POLICY_INVALID`, `CONFIG_FILE_UNREADABLE`.
 */
export async function loadPolicy(systemContext: SystemContext = {}): Promise<Policy> {
  return await loadPolicyFile({ path: systemContext.signaturePolicyPath });
}

/**
 * Loads the policy of this host, as {@linkcode loadPolicy} does, to judge images by it: what `signaturePolicy` takes. The
 * files of keys that it names are read.
 *
 * @throws {ManifestsError} As {@linkcode loadPolicy}.
 */
export async function loadSignaturePolicy(systemContext: SystemContext = {}): Promise<SignaturePolicy> {
  return createSignaturePolicy(await loadPolicy(systemContext), { readFile: readPolicyFile });
}

/** The policy for pushes from this host. Files are read when something has to be judged, and once. */
export function openLocalPolicy(context: SystemContext): SignaturePolicy {
  let loading: Promise<SignaturePolicy> | undefined;
  return policyForLists(() => loading ??= loadSignaturePolicy(context));
}
