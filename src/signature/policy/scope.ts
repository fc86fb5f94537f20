import type { Policy, PolicyRequirement } from "./types.ts";

/** The part of a policy that applies to an image. */
export interface ChosenScope {
  /** Transport to whose section the scope belongs; `undefined` for the policy's default. */
  readonly transport?: string | undefined;
  /** The scope; empty for the default of the transport; `undefined` for the policy's default. */
  readonly scope?: string | undefined;
  /** Requirements of the scope, all of which an image must meet. */
  readonly requirements: readonly PolicyRequirement[];
}

/** The image for which a scope is chosen. */
export interface ScopedImage {
  /** Name of the image's transport, such as `docker`. */
  readonly transport: string;
  /** The most specific scope of the image: looked up first. */
  readonly identity: string;
  /** Broader scopes, most specific first: looked up next. */
  readonly namespaces: readonly string[];
}

/** Chooses the part of a policy that applies: only the most specific scope that exists. */
export function chooseScope(policy: Policy, image: ScopedImage): ChosenScope {
  const { transport, identity, namespaces } = image;
  const scopes = policy.transports.get(transport);
  for (const scope of [identity, ...namespaces, ""]) {
    const requirements = scopes?.get(scope);
    if (requirements) return { transport, scope, requirements };
  }
  return { requirements: policy.default };
}
