import {
  chooseInstance,
  type Digest,
  getEntries,
  ManifestsError,
  type ParsedIndex,
  type Platform,
} from "../spec/room.ts";

/** Which instances of a list are copied. */
export interface Selection {
  /** `system`: the one for the wanted platform; `all`; `specific`: those named. */
  readonly selection: "system" | "all" | "specific";
  /** The instances of `specific`. */
  readonly instances?: readonly Digest[] | undefined;
  /** The platform of `system`. */
  readonly platform: Platform;
}

/** The instances that will be copied, in the order of the index and each once. */
export function selectInstances(index: ParsedIndex, selection: Selection): Digest[] {
  const digests = [...new Set(getEntries(index).map(({ digest }) => digest))];
  switch (selection.selection) {
    case "all":
      return digests;
    case "system":
      return [chooseInstance(index, selection.platform)];
    case "specific": {
      const wanted = new Set(selection.instances ?? []);
      const known = new Set(digests);
      const unknown = [...wanted].find((digest) => !known.has(digest));
      if (unknown) {
        throw new ManifestsError("INSTANCE_NOT_FOUND", `Cannot copy instance ${unknown} as it is not in the list`);
      }
      return digests.filter((digest) => wanted.has(digest));
    }
  }
}
