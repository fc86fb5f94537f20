import type { Policy, PolicyRequirement } from "./types.ts";

/** The part of a policy that applies to an image. */
export interface ChosenScope {
  /** Transport whose section it is in; `undefined`: it is the policy's default. */
  readonly transport?: string | undefined;
  /** The scope; empty: the transport's own default. */
  readonly scope?: string | undefined;
  /** What is required there. */
  readonly requirements: readonly PolicyRequirement[];
}

/** What scopes are compared with. */
export interface ScopedImage {
  /** Transport of the image. */
  readonly transport: string;
  /** The scope that is looked up first. */
  readonly identity: string;
  /** The scopes that are looked up next, most specific first. */
  readonly namespaces: readonly string[];
}

/** Finds the part of a policy that applies: the first scope that is there, and nothing of any other. */
export function chooseScope(policy: Policy, image: ScopedImage): ChosenScope {
  const { transport, identity, namespaces } = image;
  const scopes = policy.transports.get(transport);
  for (const scope of [identity, ...namespaces, ""]) {
    const requirements = scopes?.get(scope);
    if (requirements) return { transport, scope, requirements };
  }
  return { requirements: policy.default };
}
