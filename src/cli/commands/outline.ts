import type { CopyOutline, CopyResult, OutlinedBlob } from "../../copy/room.ts";
import { formatTable } from "../format/table.ts";
import { count, formatBytes } from "../format/units.ts";
import { print, printResult } from "../output.ts";

/** The format of the result, among the types of manifests that the flag also takes. */
interface FormatFlags {
  format?: string[];
}

/** Prints what a copy would do. */
export function printOutline({ format }: FormatFlags, destination: string, outline: CopyOutline): void {
  if (format?.includes("json")) return printResult({ format: "json" }, [], { destination, ...outline });
  const fates = new Map(outline.blobs.map((blob) => [blob.digest, blob]));
  const rows = outline.images.map(({ platform, digest, attests, variant, isReferrer, mediaType, converted, blobs }) => {
    const own = blobs.map(({ digest }) => fates.get(digest)!);
    return [
      isReferrer ? "(referrer)" : attests ? "(attestation)" : (platform || "-") + (variant ? ` ${variant}` : ""),
      digest.slice(0, 19),
      describeChange(converted ? mediaType : undefined, own),
      summarize(own),
    ];
  });
  for (const line of formatTable(["PLATFORM", "DIGEST", "MANIFEST", "BLOBS"], rows)) print(line);
  if (outline.mediaType) print(`list: ${outline.mediaType}`);
  print(`total: ${summarize(outline.blobs)}`);
  print(`would be written to ${destination}; nothing was`);
}

/** What becomes of a manifest, which names its layers by digest. */
function describeChange(mediaType: string | undefined, blobs: readonly OutlinedBlob[]): string {
  if (mediaType !== undefined) return `converted to ${mediaType}`;
  return blobs.some(({ fate }) => fate === "compressed") ? "written anew" : "as it is";
}

const WORDS = {
  written: "to copy",
  compressed: "to compress and copy",
  mounted: "to mount",
  reused: "there already",
  kept: "left at their URLs",
} as const;

function summarize(blobs: readonly OutlinedBlob[]): string {
  const parts = Object.entries(WORDS).map(([fate, words]) => {
    const own = blobs.filter((blob) => blob.fate === fate);
    const bytes = own.reduce((sum, { size }) => sum + Math.max(size, 0), 0);
    return own.length === 0 ? "" : `${own.length} ${words} (${formatBytes(bytes)})`;
  }).filter((text) => text !== "");
  return parts.join(", ") || count(0, "blob");
}

/** Prints what a copy wrote, where that is asked for: a script that pushes expects nothing on stdout. */
export function printCopied({ format }: FormatFlags, result: CopyResult): void {
  if (!format?.includes("json")) return;
  const { instances, referrers, ...rest } = result;
  printResult({ format: "json" }, [], {
    ...rest,
    instances: Object.fromEntries(instances),
    ...(referrers ? { referrers: Object.fromEntries(referrers) } : {}),
  });
}
