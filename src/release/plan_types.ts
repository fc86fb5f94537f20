import type { ListDifference } from "../list/room.ts";
import type { Digest } from "../spec/room.ts";

/** An entry of an index, for plans. */
export interface PlannedEntry {
  /** Platform as text, such as `linux/arm64`; `""` if it has none. */
  readonly platform: string;
  /** Digest of the manifest that the entry names. */
  readonly digest: Digest;
}

/**
 * The step for one tag:
 *
 * - `add`: the tag does not exist and is created;
 * - `move`: it names another image and is moved;
 * - `keep`: it names the right index already;
 * - `drift`: it names neither the right index nor what was published last: somebody else changed it;
 * - `refuse`: it must not move, because it is immutable;
 * - `hold`: it stays, because it is `latest` and a newer version exists;
 * - `delete`: it is not in the file any more and is deleted;
 * - `leave`: it is not in the file any more, but is not deleted without being asked for;
 * - `forget`: it is not in the file any more and does not exist.
 */
export type TagAction = "add" | "move" | "keep" | "drift" | "refuse" | "hold" | "delete" | "leave" | "forget";

/** One tag of a plan. */
export interface PlannedTag {
  /** Name of the tag, such as `quay.io/me/app:1.2.3`. */
  readonly reference: string;
  /** Step that makes the tag what the file says. */
  readonly action: TagAction;
  /** Digest that it names now; `null`: it does not exist; `undefined`: that could not be read. */
  readonly from?: Digest | null | undefined;
  /** Digest that it will name; absent for a tag that is not in the file. */
  readonly to?: Digest | undefined;
  /** Digest that was published last; absent if none is recorded. */
  readonly recorded?: Digest | undefined;
  /** Reason for `refuse`, `hold` and `drift`. */
  readonly reason?: string | undefined;
  /** Differences between the index that it names and the one that it will name; none for a tag that stays. */
  readonly difference: ListDifference;
}

/** One release of a plan. */
export interface PlannedRelease {
  /** Name of the release in its file. */
  readonly name: string;
  /** Digest of the index; absent if the release is not in the file any more. */
  readonly index?: Digest | undefined;
  /** Media type of the index; absent if the release is not in the file any more. */
  readonly mediaType?: string | undefined;
  /** Entries of the index in their order; none if the release is not in the file any more. */
  readonly entries: readonly PlannedEntry[];
  /** Digests of the sources, by name. Optional sources that do not exist are left out. */
  readonly sources: Readonly<Record<string, Digest>>;
  /** Names of optional sources that do not exist. */
  readonly missing: readonly string[];
  /** Tags in the order of the file, then those that are not in the file any more. */
  readonly tags: readonly PlannedTag[];
}

/** Number of tags by their steps. */
export type PlanSummary = Readonly<Record<TagAction, number>>;

/** The steps that make the registries what a release file says. */
export interface ReleasePlan {
  /** The releases, in the order of the file. */
  readonly releases: readonly PlannedRelease[];
  /** Number of tags by their steps, over all releases. */
  readonly summary: PlanSummary;
}
