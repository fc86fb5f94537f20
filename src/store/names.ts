import { encodeHex } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { NamesOperation } from "./types.ts";

/** The names that a record has after an operation, each once: added names come first, as containers/storage does it. */
export function applyNames(
  current: readonly string[],
  operation: NamesOperation,
  names: readonly string[],
): string[] {
  if (operation === "remove") return current.filter((name) => !names.includes(name));
  return [...new Set(operation === "set" ? names : [...names, ...current])];
}

/** 32 random bytes as hex whose first 12 digits are no decimal number, as short ids must not look like numbers. */
export function randomImageId(): string {
  for (;;) {
    const id = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** Refuses an id that is none: ids become names of folders. */
export function requireImageId(id: string): void {
  if (!/^[0-9a-f]{64}$/.test(id)) {
    throw new ManifestsError(
      "IMAGE_UNKNOWN",
      `Cannot use ${JSON.stringify(id.slice(0, 100))} as an image id: it must have 64 hexadecimal digits`,
    );
  }
}

/** The error of a name that another record has. */
export function nameInUse(name: string, id: string): ManifestsError {
  return new ManifestsError(
    "NAME_IN_USE",
    `Cannot create image as image name ${JSON.stringify(name)} is already associated with image ${
      JSON.stringify(id)
    }: that name is already in use`,
  );
}

/** The error of an id that is there already. */
export function idInUse(id: string): ManifestsError {
  return new ManifestsError(
    "ID_IN_USE",
    `Cannot create image as an image with ID ${JSON.stringify(id)} already exists: that ID is already in use`,
  );
}

/** The error of a record that is not there. */
export function imageUnknown(nameOrId: string): ManifestsError {
  return new ManifestsError("IMAGE_UNKNOWN", `Cannot find image ${JSON.stringify(nameOrId)}: image not known`);
}

/** The error of a compare-and-set that lost. */
export function listChanged(id: string): ManifestsError {
  return new ManifestsError(
    "LIST_CHANGED",
    `Cannot save list ${
      JSON.stringify(id)
    } as somebody else changed it since it was loaded: load it again, or use editList`,
  );
}
