import { encodeHex } from "../internal/room.ts";
import { ManifestsError } from "../spec/room.ts";
import type { NamesOperation } from "./types.ts";

/** Returns the names of a record after an operation, each once. Added names come first, as in containers/storage. */
export function applyNames(
  current: readonly string[],
  operation: NamesOperation,
  names: readonly string[],
): string[] {
  if (operation === "remove") return current.filter((name) => !names.includes(name));
  return [...new Set(operation === "set" ? names : [...names, ...current])];
}

/**
 * Returns a random image id: 32 bytes as hexadecimal text. Its first 12 digits contain a letter, because a short id
 * that has only decimal digits could be taken for a number (storage `stringid.GenerateRandomID`).
 *
 * @example
 * ```ts
 * import { randomImageId } from "@multiarch/manifests/store";
 * import assert from "node:assert/strict";
 *
 * assert.match(randomImageId(), /^[0-9a-f]{64}$/);
 * ```
 */
export function randomImageId(): string {
  for (;;) {
    const id = encodeHex(crypto.getRandomValues(new Uint8Array(32)));
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** Throws `IMAGE_UNKNOWN` if a text is not an image id. Ids become names of folders, so nothing else may pass. */
export function assertImageId(id: string): void {
  if (!/^[0-9a-f]{64}$/.test(id)) {
    throw new ManifestsError(
      "IMAGE_UNKNOWN",
      `Cannot use ${JSON.stringify(id.slice(0, 100))} as an image id: it must have 64 hexadecimal digits`,
    );
  }
}

/** Creates the error for a name that another record has. */
export function nameInUse(name: string, id: string): ManifestsError {
  return new ManifestsError(
    "NAME_IN_USE",
    `Cannot create image: image name ${JSON.stringify(name)} is already associated with image ${
      JSON.stringify(id)
    }: that name is already in use`,
  );
}

/** Creates the error for an id that another record has. */
export function idInUse(id: string): ManifestsError {
  return new ManifestsError(
    "ID_IN_USE",
    `Cannot create image: an image with ID ${JSON.stringify(id)} already exists: that ID is already in use`,
  );
}

/** Creates the error for a record that does not exist. */
export function imageUnknown(nameOrId: string): ManifestsError {
  return new ManifestsError("IMAGE_UNKNOWN", `Cannot find image ${JSON.stringify(nameOrId)}: image not known`);
}

/** Creates the error for a change that lost a race: the record is not as the caller read it. */
export function listChanged(id: string): ManifestsError {
  return new ManifestsError(
    "LIST_CHANGED",
    `Cannot save list ${
      JSON.stringify(id)
    }: another process changed it after it was loaded: load it again, or use editList`,
  );
}
