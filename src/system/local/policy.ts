import type { SystemContext } from "../../image/mod.ts";
import { loadPolicy as loadPolicyFile, readPolicyFile } from "../../signature/files/mod.ts";
import { createSignaturePolicy, type Policy, type SignaturePolicy } from "../../signature/mod.ts";
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

/** The policy for pushes from this host. Files are read when something has to be judged, and once. */
export function openLocalPolicy(context: SystemContext): SignaturePolicy {
  let loading: Promise<SignaturePolicy> | undefined;
  const load = async () => createSignaturePolicy(await loadPolicy(context), { readFile: readPolicyFile });
  return policyForLists(() => loading ??= load());
}
