import { isObject } from "../../json/room.ts";
import { type Digest, isDigest } from "../../spec/room.ts";

/** A file name that is a digest: 64 hexadecimal digits, alone or after `sha256-` or `sha256:`. */
const DIGEST_NAME = /^(?:sha256[-:])?([0-9a-f]{64})$/;

/**
 * Reads a folder that has a file for each image, as the merge jobs of docker/build-push-action make it: a file whose name
 * is the digest, or a metadata file of buildx (`*.json`), also of several targets of bake.
 *
 * @param folder Path of the folder.
 * @returns The digests, in the order of the file names, each once.
 * @throws {Error} If the folder cannot be read, is empty, or contains anything else; the message names it.
 */
export async function readDigestFolder(folder: string): Promise<Digest[]> {
  const what = `the digests in ${JSON.stringify(folder)}`;
  let names: string[];
  try {
    names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name, isDirectory }) =>
      isDirectory ? `${name}/` : name
    );
  } catch (error) {
    throw new Error(`Cannot read ${what}: ${(error as Error).message}`, { cause: error });
  }
  if (names.length === 0) {
    throw new Error(
      `Cannot read ${what}: the folder is empty: did the jobs that build the images upload their digests?`,
    );
  }
  const digests: Digest[] = [];
  for (const name of names.toSorted()) {
    try {
      digests.push(
        ...parseDigestFile(name, name.endsWith(".json") ? await Deno.readTextFile(`${folder}/${name}`) : ""),
      );
    } catch (error) {
      throw new Error(`Cannot read ${what}: ${(error as Error).message}`, { cause: error });
    }
  }
  return [...new Set(digests)];
}

/**
 * Returns the digests that a file of such a folder names.
 *
 * @param name Name of the file; that of a folder ends with a slash.
 * @param text Content of the file. It matters only for `*.json`.
 * @throws {Error} If the name or the content has another form.
 */
export function parseDigestFile(name: string, text: string): Digest[] {
  const [, hex] = DIGEST_NAME.exec(name) ?? [];
  if (hex !== undefined) return [`sha256:${hex}` as Digest];
  const quoted = JSON.stringify(name);
  if (name.endsWith("/")) {
    throw new Error(`${quoted} is a folder: merge the artifacts into one folder (merge-multiple: true)`);
  }
  if (!name.endsWith(".json")) {
    throw new Error(`the name of the file ${quoted} is neither a digest nor that of a metadata file (*.json)`);
  }
  const digests = findDigests(parseMetadata(quoted, text));
  if (digests.length > 0) return digests;
  throw new Error(`the metadata file ${quoted} has no containerimage.digest`);
}

function parseMetadata(quoted: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`the metadata file ${quoted} is not JSON: ${(error as Error).message}`, { cause: error });
  }
}

/** Finds the digests in metadata of buildx; bake has one object for each target. */
function findDigests(metadata: unknown): Digest[] {
  if (!isObject(metadata)) return [];
  const { "containerimage.digest": digest, "containerimage.descriptor": descriptor } = metadata;
  const found = digest ?? (isObject(descriptor) ? descriptor.digest : undefined);
  if (typeof found === "string" && isDigest(found)) return [found];
  return Object.values(metadata).flatMap((target) => isObject(target) ? findDigests(target) : []);
}
