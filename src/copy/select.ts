import {
  chooseInstance,
  type Digest,
  getEntries,
  ManifestsError,
  type ParsedIndex,
  type Platform,
} from "../spec/room.ts";

/** Selects the instances of a list that are copied. */
export interface Selection {
  /** `system`: the instance for `platform`; `all`: all instances; `specific`: those of `instances`. */
  readonly selection: "system" | "all" | "specific";
  /** Digests of the instances for `specific`. Default: none. */
  readonly instances?: readonly Digest[] | undefined;
  /** Platform for `system`; also used for instances without a platform if a Docker list is written. */
  readonly platform: Platform;
}

/**
 * Returns the digests of the selected instances, without duplicates, in the order of the index.
 *
 * @throws {ManifestsError} With code `INSTANCE_NOT_FOUND` if a specific instance is not in the list, or
 * `NO_MATCHING_PLATFORM` if the list has no instance for the platform.
 */
export function selectInstances(index: ParsedIndex, selection: Selection): Digest[] {
  const digests = [...new Set(getEntries(index).map(({ digest }) => digest))];
  switch (selection.selection) {
    case "all":
      return digests;
    case "system":
      return [chooseInstance(index, selection.platform)];
    case "specific": {
      const selected = new Set(selection.instances ?? []);
      const known = new Set(digests);
      const unknown = [...selected].find((digest) => !known.has(digest));
      if (unknown) {
        throw new ManifestsError("INSTANCE_NOT_FOUND", `Cannot copy instance ${unknown}: it is not in the list`);
      }
      return digests.filter((digest) => selected.has(digest));
    }
  }
}
