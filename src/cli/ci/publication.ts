import {
  findAttested,
  formatPlatform,
  getEntries,
  isAttestation,
  isIndex,
  type ParsedManifest,
} from "../../spec/room.ts";

/** An entry of a published index. */
export interface PublishedEntry {
  /** Platform as text, `attestation of PLATFORM`, or `-` if the entry has none. */
  readonly platform: string;
  /** Digest of the entry's manifest. */
  readonly digest: string;
  /** Size of the entry's manifest, in bytes. */
  readonly size: number;
  /** Annotations of the entry in the index, not of its manifest. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** A finished publication: what CI systems are told about a push, a copy or a composition. */
export interface Publication {
  /** Digest of the published manifest; `undefined` if several were published, or none. */
  readonly digest: string | undefined;
  /** Digest of each release by its name; `undefined` for commands that publish one index. */
  readonly digests?: Readonly<Record<string, string>> | undefined;
  /** Each repository with the digest, as `registry/repository@digest`; empty if the destination is not a registry. */
  readonly references: readonly string[];
  /** Names that now have the digest, as `registry/repository:tag`; empty if the destination is not a registry. */
  readonly tags: readonly string[];
  /** Whether all names had this digest before. */
  readonly unchanged: boolean;
  /** The published manifest; `undefined`: it is not known, so that summaries show no table. */
  readonly manifest?: ParsedManifest | undefined;
  /** Result of the command, as `--format json` prints it. */
  readonly json: unknown;
}

/** Lists the entries of a published index; none if it is a single image. */
export function listEntries(manifest: ParsedManifest | undefined): PublishedEntry[] {
  if (!manifest || !isIndex(manifest)) return [];
  const entries = getEntries(manifest);
  const platformOf = ({ platform }: typeof entries[number]) => platform ? formatPlatform(platform) || "-" : "-";
  const platforms = new Map(entries.map((entry) => [entry.digest as string, platformOf(entry)]));
  return entries.map((entry) => ({
    platform: isAttestation(entry)
      ? `attestation of ${platforms.get(findAttested(entry) ?? "") ?? "-"}`
      : platformOf(entry),
    digest: entry.digest,
    size: entry.size,
    annotations: "annotations" in entry ? entry.annotations ?? {} : {},
  }));
}

/** Returns the annotations of a published index; none if it is a Docker list or a single image. */
export function getIndexAnnotations(manifest: ParsedManifest | undefined): Readonly<Record<string, string>> {
  return manifest?.kind === "oci-index" ? manifest.index.annotations ?? {} : {};
}
