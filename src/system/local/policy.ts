import { readPolicyFile } from "../../config/files/mod.ts";
import type { SystemContext } from "../../image/mod.ts";
import { createSignaturePolicy, parsePolicy, type Policy, type SignaturePolicy } from "../../signature/mod.ts";
import { ManifestsError } from "../../spec/mod.ts";
import { policyForLists } from "../list_policy.ts";

/**
 * Loads the policy of this host: `systemContext.signaturePolicyPath`, else the user's `policy.json`, else the system's.
 * Go: `signature.DefaultPolicy`.
 *
 * @throws {ManifestsError} With code `POLICY_MISSING` where there is none, `POLICY_INVALID`, `CONFIG_FILE_UNREADABLE`.
 */
export async function loadPolicy(systemContext: SystemContext = {}): Promise<Policy> {
  const { path, bytes } = await readPolicyFile(systemContext);
  return parsePolicy(bytes, path);
}

/** Reads a file that a policy names. */
export async function readPolicyKey(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** The policy for pushes from this host. Files are read when something has to be judged, and once. */
export function openLocalPolicy(context: SystemContext): SignaturePolicy {
  let loading: Promise<SignaturePolicy> | undefined;
  const load = async () => createSignaturePolicy(await loadPolicy(context), { readFile: readPolicyKey });
  return policyForLists(() => loading ??= load());
}
