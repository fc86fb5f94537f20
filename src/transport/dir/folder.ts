import { join } from "@std/path";
import type { SignedManifest } from "../../image/room.ts";
import { encodeUtf8 } from "../../internal/room.ts";
import { type Digest, digestAlgorithm, digestHex, ManifestsError } from "../../spec/room.ts";
import { explain, ignoreMissing } from "../files/errors.ts";

/** The file that says that a folder is one of ours. */
export const VERSION_FILE = "version";

/** A version file, all of it; numbers are as Go prints them. */
const VERSION_REGEXP = /^Directory Transport Version: ((0|[1-9]\d*)\.(0|[1-9]\d*))\n$/;

/** The manifest of the image itself. */
export const MANIFEST_FILE = "manifest.json";

/** The content of the version file: 1.2 came with digests other than SHA-256. */
export function versionContent(otherDigests: boolean): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`Directory Transport Version: ${otherDigests ? "1.2" : "1.1"}\n`);
}

/** A digest as file names have it: the hex alone for SHA-256. */
export function hexOf(digest: Digest): string {
  const algorithm = digestAlgorithm(digest);
  return algorithm === "sha256" ? digestHex(digest) : `${algorithm}-${digestHex(digest)}`;
}

/** The file of an instance's manifest. */
export function instanceFile(digest: Digest): string {
  return `${hexOf(digest)}.manifest.json`;
}

/** The file of a signature; they are counted from 1. */
export function signatureFile({ digest, isInstance }: SignedManifest, number: number): string {
  return `${isInstance ? `${hexOf(digest)}.` : ""}signature-${number}`;
}

/**
 * Reads the version of a folder; `undefined` where it has none.
 *
 * @throws {ManifestsError} With code `LAYOUT_INVALID` where it is none that is known here.
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
    `Cannot use folder ${JSON.stringify(folder)} as it is of version ${version}, which is newer than 1.2`,
  );
}
