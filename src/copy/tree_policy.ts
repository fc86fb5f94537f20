import { createPolicyDecision, type ImageSource, type InstancePlace, type VerifiedManifest } from "../image/room.ts";
import { allOrAbort, OncePerKey } from "../internal/room.ts";
import type { Signature, SignaturePolicy } from "../signature/room.ts";
import type { Digest } from "../spec/room.ts";
import type { ReadLimits } from "./read_limits.ts";
import type { ReadNode } from "./read_types.ts";

/** Position of a manifest in the tree. */
export interface Position extends Pick<InstancePlace, "ancestor"> {
  /** Number of manifests above this one; 1 for the instances of the list. */
  readonly depth: number;
  /**
   * An `instance` is evaluated by the policy; a `referrer` refers to another manifest; a `part` belongs to an index that is
   * a referrer. Referrers of parts are not followed: they could form a cycle.
   */
  readonly role: "instance" | "referrer" | "part";
}

/** Returns the position of the members of a manifest; below an instance of the list, that instance is their ancestor. */
export function getPositionBelow({ depth, role, ancestor }: Position, { instance }: InstancePlace): Position {
  return { depth: depth + 1, role, ancestor: ancestor ?? instance };
}

/** A verified manifest with its place at the source. */
export interface Found extends VerifiedManifest {
  /** Identifies the manifest at the source. */
  readonly place: InstancePlace;
  /** Reads the signatures of the manifest on the first call; later calls return the same result. */
  readonly readSignatures: () => Promise<readonly Signature[]>;
}

/** How a tree is evaluated. */
interface TreePolicyOptions {
  /** The source from which the tree is read. */
  readonly source: ImageSource;
  /** The policy that every image must satisfy. */
  readonly policy: SignaturePolicy;
  /** Evaluate the policy against each instance's source reference instead of the list's own. */
  readonly policyPerOrigin: boolean;
  /** Limits of the tree: an image is evaluated at each place that names it. */
  readonly limits: ReadLimits;
  /** Aborts the evaluation, for example when a read fails. */
  readonly signal: AbortSignal;
  /** Returns a manifest as found at a place. */
  readonly describe: (manifest: VerifiedManifest, place: InstancePlace) => Found;
}

/** Evaluates the policy for the manifests of one tree, once for each place that names them. */
export class TreePolicy {
  readonly #options: TreePolicyOptions;
  readonly #evaluated = new OncePerKey<string, void>();

  constructor(options: TreePolicyOptions) {
    this.#options = options;
  }

  /** Whether the policy is evaluated against the source references of instances, which can be several places. */
  get #hasOrigins(): boolean {
    return this.#options.policyPerOrigin && this.#options.source.findOrigin !== undefined;
  }

  /**
   * Returns whether an index without members must be evaluated itself, since otherwise nothing of it would be. Exempt is
   * the top-level list if the policy applies to the sources of its instances: that list is made by the caller.
   */
  mustEvaluateIndex({ instance }: InstancePlace, { role }: Position): boolean {
    return role === "instance" && !(instance === undefined && this.#hasOrigins);
  }

  /** Evaluates a manifest that several places name at each of them, although it was read from only one. */
  async evaluateTree(node: ReadNode, position: Position): Promise<void> {
    if (!this.#hasOrigins) return;
    const { limits, describe, signal } = this.#options;
    const { digest, manifest } = node;
    await this.#evaluated.get(`tree ${this.#getPlaceKey(digest, position)}`, async () => {
      limits.countManifest(digest, position.depth);
      const place = { instance: digest, ancestor: position.ancestor };
      if (node.kind === "image" || node.members.length === 0) {
        return await this.evaluate(describe({ digest, manifest }, place), position);
      }
      const below = getPositionBelow(position, place);
      await allOrAbort(node.members.map((member) => () => this.evaluateTree(member, below)), signal);
    });
  }

  /** Evaluates the policy for a manifest, once for each place that names it. */
  async evaluate(found: Found, position: Position): Promise<void> {
    await this.#evaluated.get(this.#getPlaceKey(found.digest, position), () => this.#assertAllowed(found));
  }

  /** Returns the key of a manifest at a place: everything below one instance of the list is at the place of that instance. */
  #getPlaceKey(digest: Digest, { ancestor }: Position): string {
    return this.#hasOrigins ? `${ancestor ?? digest} ${digest}` : digest;
  }

  async #assertAllowed(found: Found): Promise<void> {
    const { source, policy, signal } = this.#options;
    const { place, readSignatures } = found;
    const origin = this.#hasOrigins && place.instance ? await source.findOrigin!(place) : undefined;
    const isInstance = place.instance !== undefined;
    const decision = createPolicyDecision(origin ?? source.reference, found, { isInstance, readSignatures });
    await policy.assertAllowed(decision, { signal });
  }
}
