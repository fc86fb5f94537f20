import { ManifestsError } from "../../../spec/room.ts";
import type { StoredLayer } from "../../types.ts";
import type { SplitFile } from "./tar_split.ts";

/** The error for a file that has changed since its layer was unpacked, or is missing. The message names the file. */
export class LayerFileError extends Error {
  constructor({ name }: SplitFile, problem: string, cause?: unknown) {
    const text = typeof name === "string" ? name : new TextDecoder().decode(name);
    super(`its file ${JSON.stringify(text)} ${problem}`, { cause });
  }
}

/** Creates the error for a layer whose tar archive cannot be reproduced. */
export function notReproducible({ id }: StoredLayer, reason: string, cause?: unknown): ManifestsError {
  return new ManifestsError("LAYER_NOT_REPRODUCIBLE", `Cannot read layer ${id}: ${reason}`, { cause });
}

/** Creates the error for a layer that cannot be stored. */
export function cannotStore(layer: string, problem: string, cause?: unknown): ManifestsError {
  return new ManifestsError("LAYER_NOT_REPRODUCIBLE", `Cannot store layer ${layer}: ${problem}`, { cause });
}
