import type { ComposeResult, PublishedName } from "../../actions/room.ts";
import { isManifestsError, parseManifest, parseReference } from "../../spec/room.ts";
import { toCopiedJson } from "../ci/copied.ts";
import type { Publication } from "../ci/publication.ts";
import { writeNamed } from "../ci/report.ts";
import { formatError } from "../errors.ts";
import { note, print } from "../output.ts";

/** Flags of `compose` about its result. */
export interface ComposeReportFlags {
  format?: string[];
  quiet?: boolean;
  dryRun?: boolean;
  output?: string;
  metadataFile?: string;
}

/**
 * Reports a finished composition: references by digest on standard output, the changes of names on standard error, and
 * the file of `--metadata-file`. The reports for CI systems are in {@linkcode describeComposed}.
 */
export async function reportComposed(flags: ComposeReportFlags, result: ComposeResult): Promise<void> {
  if (!flags.quiet) { for (const name of result.published) note(formatName(name)); }
  if (flags.dryRun) return await reportPlan(flags, result);
  if (flags.metadataFile !== undefined) await Deno.writeTextFile(flags.metadataFile, formatMetadata(result));
  if (flags.format?.includes("json")) return print(JSON.stringify(toJson(result), undefined, 4));
  for (const reference of listByRepository(result.published)) print(reference);
}

/** Describes a finished composition for CI systems. */
export function describeComposed(result: ComposeResult): Publication {
  const { digest, published, unchanged = false, manifest } = result;
  return {
    digest,
    references: listByRepository(published),
    tags: published.map(({ reference }) => reference),
    unchanged,
    manifest: parseManifest(manifest),
    json: toJson(result),
  };
}

function toJson({ manifest: _, ...result }: ComposeResult): Record<string, unknown> {
  return toCopiedJson(result);
}

/** Reports a failed composition: with `--format json`, what was and what was not published. */
export function reportFailed(flags: ComposeReportFlags, error: unknown): void {
  if (!flags.format?.includes("json") || !isManifestsError(error)) return;
  const published = "published" in error ? error.published : [];
  print(JSON.stringify({ error: { code: error.code, message: formatError(error) }, published }, undefined, 4));
}

/** Reports a dry run: the exact bytes of the index on standard output or in a file. */
async function reportPlan(flags: ComposeReportFlags, result: ComposeResult): Promise<void> {
  const { manifest } = result;
  const { output = "-" } = flags;
  if (output !== "-") await writeNamed("--output", output, (file) => Deno.writeFile(file, manifest));
  if (flags.format?.includes("json")) return print(JSON.stringify(toJson(result), undefined, 4));
  if (output !== "-") return print(result.digest);
  for (let at = 0; at < manifest.length;) at += Deno.stdout.writeSync(manifest.subarray(at));
}

/** Formats a line about a name: `=` unchanged, `+` new, `~` moved, such as `~ quay.io/me/app:1 sha256:1234… -> sha256:5678…`. */
function formatName({ reference, digest, previous, state }: PublishedName): string {
  const shorten = (text: string | undefined) => text?.slice(0, "sha256:".length + 12) ?? "";
  if (state === "unchanged") return `= ${reference} ${shorten(digest)}`;
  if (previous === null) return `+ ${reference} ${shorten(digest)}`;
  return `~ ${reference} ${previous === undefined ? "unknown" : shorten(previous)} -> ${shorten(digest)}`;
}

/** Returns the reference by digest in each repository, such as `quay.io/me/app@sha256:…`. */
function listByRepository(published: readonly PublishedName[]): string[] {
  return [...new Set(published.map(({ reference, digest }) => `${parseReference(reference).name}@${digest}`))];
}

/** Formats the metadata file, with the members that `docker buildx` writes. */
function formatMetadata({ digest, mediaType, manifest, published }: ComposeResult): string {
  const repositories = new Set(published.map(({ reference }) => parseReference(reference).name));
  return JSON.stringify(
    {
      "containerimage.digest": digest,
      "containerimage.descriptor": { mediaType, digest, size: manifest.length },
      "image.name": [...repositories].toSorted().join(","),
    },
    undefined,
    2,
  );
}
