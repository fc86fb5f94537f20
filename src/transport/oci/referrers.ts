import { OncePerKey } from "../../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  findReferrer,
  getEntries,
  isManifestsError,
  ManifestsError,
  type ParsedManifest,
  parseManifest,
  verifyManifestDigest,
} from "../../spec/room.ts";
import { getName, type LayoutIndex } from "./layout_index.ts";

/** Reads a manifest of a layout without verifying its digest. */
type ReadManifest = (digest: Digest) => Promise<Uint8Array<ArrayBuffer>>;

/** Maximum number of entries that are searched for referrers, since each manifest must be read. */
const MAX_ENTRIES = 10_000;

/** Returns the entry by which a layout lists a manifest as a referrer, or none if it is not a referrer. */
export function toListedReferrers(
  { digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">,
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Descriptor[] {
  // An image without a name is found only if it is the only entry.
  const referrer = name === "" ? undefined : findReferrer(parseManifest(bytes, mediaType), digest);
  return referrer ? [referrer.descriptor] : [];
}

/**
 * Name of an index that replaces the referrers API (distribution-spec, "Referrers Tag Schema"), as regclient writes it.
 */
const FALLBACK_NAME = /^sha\d+-[0-9a-f]+$/;

/** The referrers of the manifests in a layout, which are searched for once. */
export class LayoutReferrers {
  readonly #readIndex: () => Promise<LayoutIndex>;
  readonly #readManifest: ReadManifest;
  readonly #once = new OncePerKey<"referrers", ReadonlyMap<Digest, readonly Descriptor[]>>();

  constructor(readIndex: () => Promise<LayoutIndex>, readManifest: ReadManifest) {
    this.#readIndex = readIndex;
    this.#readManifest = readManifest;
  }

  /** Returns the referrers of a manifest. */
  async list(subject: Digest): Promise<readonly Descriptor[]> {
    const read = async () => await readReferrers(await this.#readIndex(), this.#readManifest);
    return (await this.#once.get("referrers", read)).get(subject) ?? [];
  }
}

/**
 * Reads the referrers in a layout by the digest of their subject: entries of `index.json` that have a subject, as oras
 * writes them, and entries of an index whose name follows the referrers tag schema.
 */
async function readReferrers(
  { entries }: LayoutIndex,
  readManifest: ReadManifest,
): Promise<ReadonlyMap<Digest, readonly Descriptor[]>> {
  const fallbacks = new Set(
    entries.filter((entry) => FALLBACK_NAME.test(getName(entry) ?? "")).map(({ digest }) => digest),
  );
  const listed = new Set(entries.map(({ digest }) => digest));
  const found = new Map<Digest, Descriptor[]>();
  // Iterating a set visits the members that are added during the iteration: the entries of fallback indexes.
  for (const digest of listed) {
    if (listed.size > MAX_ENTRIES) throw tooMany();
    const manifest = await findManifest(digest, readManifest);
    if (manifest?.kind === "oci-index" && fallbacks.has(digest)) {
      for (const entry of getEntries(manifest)) listed.add(entry.digest);
    }
    const referrer = manifest && findReferrer(manifest, digest);
    if (!referrer) continue;
    const referrers = found.get(referrer.subject) ?? [];
    found.set(referrer.subject, referrers);
    referrers.push(referrer.descriptor);
  }
  return found;
}

function tooMany(): ManifestsError {
  return new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot search a layout for referrers: it has more than ${MAX_ENTRIES} manifests`,
  );
}

/** Reads the manifest of an entry; `undefined` if it is missing or invalid, which must not affect other images. */
async function findManifest(digest: Digest, readManifest: ReadManifest): Promise<ParsedManifest | undefined> {
  try {
    const bytes = await readManifest(digest);
    verifyManifestDigest(bytes, digest, `manifest ${digest}`);
    return parseManifest(bytes);
  } catch (error) {
    if (isManifestsError(error)) return undefined;
    throw error;
  }
}
