import { encodeGoJson, parseJson, StructReader } from "../../json/room.ts";
import { isManifestsError, ManifestsError, type NamedReference, parseReference } from "../../spec/room.ts";
import { invalidArchive } from "../archive/errors.ts";
import type { ArchiveImage } from "./name.ts";

/** An image in the `manifest.json` of an archive. */
export interface ArchiveItem {
  /** Name of the member with the configuration. */
  readonly config: string;
  /** Names of the image, each with a tag. */
  readonly repoTags: readonly string[];
  /** Names of the members with the layers, base first. */
  readonly layers: readonly string[];
}

/** Parses `manifest.json`. Throws `ARCHIVE_INVALID`. */
export function parseItems(bytes: Uint8Array, path: string): ArchiveItem[] {
  try {
    const { value } = parseJson(bytes, "manifest.json");
    if (!Array.isArray(value)) throw invalidArchive(path, "its manifest.json is not an array");
    return value.map((item, i) => {
      const from = new StructReader(item, "manifest.json", `[${i}]`);
      return {
        config: from.string("Config") ?? "",
        repoTags: from.strings("RepoTags") ?? [],
        layers: from.strings("Layers") ?? [],
      };
    });
  } catch (error) {
    if (!isManifestsError(error, "INVALID_JSON")) throw error;
    throw invalidArchive(path, `its manifest.json is malformed: ${error.message}`, error);
  }
}

/** Encodes a `manifest.json` with one image. */
export function encodeItem({ config, repoTags, layers }: ArchiveItem): Uint8Array<ArrayBuffer> {
  return encodeGoJson([
    new Map<string, string | readonly string[]>([
      ["Config", config],
      ["RepoTags", repoTags],
      ["Layers", layers],
    ]),
  ]);
}

/** Returns the image that a reference names. Throws `NOT_FOUND`, or `ARCHIVE_INVALID` for an invalid tag. */
export function chooseItem(items: readonly ArchiveItem[], image: ArchiveImage, path: string): ArchiveItem {
  if (image && "name" in image) {
    const found = items.find(({ repoTags }) =>
      repoTags.some((tag) => String(parseTag(tag, path)) === String(image.name))
    );
    return found ?? failNotFound(path, `tag ${JSON.stringify(String(image.name))} is not in it`);
  }
  if (image) {
    const { position } = image;
    return items[position] ?? failNotFound(path, `index @${position} is too large: it has ${items.length} images`);
  }
  if (items.length === 1) return items[0]!;
  return failNotFound(path, `it has ${items.length} images: choose one by name or @N`);
}

function parseTag(tag: string, path: string): NamedReference {
  try {
    return parseReference(tag);
  } catch (error) {
    throw invalidArchive(path, `its manifest.json has an invalid tag: ${JSON.stringify(tag.slice(0, 256))}`, error);
  }
}

function failNotFound(path: string, problem: string): never {
  throw new ManifestsError("NOT_FOUND", `Cannot find the image in archive ${JSON.stringify(path)}: ${problem}`);
}
