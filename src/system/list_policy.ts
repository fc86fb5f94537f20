import type { SignaturePolicy } from "../signature/room.ts";

/**
 * Returns the policy for pushing lists, as libimage has it: lists in memory or in a store, and their instances, are
 * accepted, because they were checked when they were made. All other images are checked against the policy that `load`
 * returns.
 */
export function policyForLists(load: () => Promise<SignaturePolicy>): SignaturePolicy {
  return {
    async assertAllowed(decision, options) {
      if (decision.transport === "containers-storage") return;
      await (await load()).assertAllowed(decision, options);
    },
  };
}
