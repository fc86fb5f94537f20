import type { CopyOutline, CopyResult, OutlinedBlob } from "../../copy/room.ts";
import { toCopiedJson } from "../ci/copied.ts";
import { formatTable } from "../format/table.ts";
import { count, formatBytes } from "../format/units.ts";
import { print, printResult } from "../output.ts";
import type { PersonaName } from "../persona.ts";

/** Flag `--format`, which names types of manifests and the format of the result. */
interface FormatFlags {
  format?: string[];
}

/** Prints the outline of a copy for `--dry-run`. */
export function printOutline({ format }: FormatFlags, destination: string, outline: CopyOutline): void {
  if (format?.includes("json")) return printResult({ format: "json" }, [], { destination, ...outline });
  const fates = new Map(outline.blobs.map((blob) => [blob.digest, blob]));
  const rows = outline.images.map(({ platform, digest, attests, variant, isReferrer, mediaType, converted, blobs }) => {
    const outlined = blobs.map(({ digest }) => fates.get(digest)!);
    return [
      isReferrer ? "(referrer)" : attests ? "(attestation)" : (platform || "-") + (variant ? ` ${variant}` : ""),
      digest.slice(0, 19),
      describeChange(converted ? mediaType : undefined, outlined),
      summarizeBlobs(outlined),
    ];
  });
  for (const line of formatTable(["PLATFORM", "DIGEST", "MANIFEST", "BLOBS"], rows)) print(line);
  if (outline.mediaType) print(`list: ${outline.mediaType}`);
  print(`total: ${summarizeBlobs(outline.blobs)}`);
  print(`dry run: nothing was written to ${destination}`);
}

/** Describes the change of a manifest. Recompressed layers change it, as it contains their digests. */
function describeChange(mediaType: string | undefined, blobs: readonly OutlinedBlob[]): string {
  if (mediaType !== undefined) return `converted to ${mediaType}`;
  return blobs.some(({ fate }) => fate === "compressed") ? "rewritten" : "unchanged";
}

const WORDS = {
  written: "to copy",
  compressed: "to compress and copy",
  mounted: "to mount",
  reused: "already at the destination",
  kept: "to leave at their URLs",
} as const;

function summarizeBlobs(blobs: readonly OutlinedBlob[]): string {
  const parts = Object.entries(WORDS).map(([fate, words]) => {
    const matching = blobs.filter((blob) => blob.fate === fate);
    const bytes = matching.reduce((sum, { size }) => sum + Math.max(size, 0), 0);
    return matching.length === 0 ? "" : `${matching.length} ${words} (${formatBytes(bytes)})`;
  }).filter((text) => text !== "");
  return parts.join(", ") || count(0, "blob");
}

/**
 * Prints the result of a copy: the digest, or JSON if `--format json` is given. Podman and buildah print only the latter.
 */
export function printCopied({ format }: FormatFlags, result: CopyResult, persona: PersonaName): void {
  if (format?.includes("json")) printResult({ format: "json" }, [], toCopiedJson(result));
  else if (persona === "manifests") print(result.digest);
}
