import type { SignaturePolicy } from "../signature/room.ts";

/**
 * The policy for pushing lists, as libimage has it: a list, and what it names, is believed by whoever made it. Anything
 * else that is copied is judged by the policy that `load` gives.
 */
export function policyForLists(load: () => Promise<SignaturePolicy>): SignaturePolicy {
  return {
    async assertAllowed(decision, options) {
      if (decision.transport === "containers-storage") return;
      await (await load()).assertAllowed(decision, options);
    },
  };
}
