import { join } from "@std/path";
import type { SignedManifest } from "../../image/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import { type Digest, digestAlgorithm, digestHex, ManifestsError } from "../../spec/room.ts";
import { explain, ignoreMissing } from "../files/errors.ts";

/** Name of the file that marks a folder as an image of the `dir` transport. */
export const VERSION_FILE = "version";

/** Complete content of a version file; the numbers are as Go prints them. */
const VERSION_REGEXP = /^Directory Transport Version: ((0|[1-9]\d*)\.(0|[1-9]\d*))\n$/;

/** Name of the file with the manifest of the image. */
export const MANIFEST_FILE = "manifest.json";

/** Returns the content of the version file. Version 1.2 introduced digests other than SHA-256. */
export function versionContent(otherDigests: boolean): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`Directory Transport Version: ${otherDigests ? "1.2" : "1.1"}\n`);
}

/** Returns the name of the file with a blob: for SHA-256, the hexadecimal digits without the algorithm. */
export function blobFile(digest: Digest): string {
  const algorithm = digestAlgorithm(digest);
  return algorithm === "sha256" ? digestHex(digest) : `${algorithm}-${digestHex(digest)}`;
}

/** Returns the name of the file with the manifest of an instance. */
export function instanceFile(digest: Digest): string {
  return `${blobFile(digest)}.manifest.json`;
}

/** Returns the name of the file with a signature; numbers start at 1. */
export function signatureFile({ digest, isInstance }: SignedManifest, number: number): string {
  return `${isInstance ? `${blobFile(digest)}.` : ""}signature-${number}`;
}

/**
 * Reads the version of a folder. Returns `undefined` if it has no version file.
 *
 * @throws {ManifestsError} With code `LAYOUT_INVALID` if the version is malformed or newer than 1.2.
 */
export async function readVersion(folder: string): Promise<string | undefined> {
  const text = await explain(folder, "read", async () => {
    const info = await Deno.stat(join(folder, VERSION_FILE)).catch(ignoreMissing);
    if (!info) return undefined;
    return info.isFile && info.size <= 1024 ? await Deno.readTextFile(join(folder, VERSION_FILE)) : "";
  });
  if (text === undefined) return undefined;
  const [, version, major, minor] = VERSION_REGEXP.exec(text) ?? [];
  if (version === undefined) {
    throw new ManifestsError(
      "LAYOUT_INVALID",
      `Cannot use folder ${JSON.stringify(folder)}: invalid version file content: ${
        JSON.stringify(text.slice(0, 100))
      }`,
    );
  }
  if (Number(major) < 1 || (Number(major) === 1 && Number(minor) <= 2)) return version;
  throw new ManifestsError(
    "LAYOUT_INVALID",
    `Cannot use folder ${JSON.stringify(folder)}: it has version ${version}, which is newer than 1.2`,
  );
}
