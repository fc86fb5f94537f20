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
import { type LayoutIndex, nameOf } from "./layout_index.ts";

/** Reads a manifest of a layout, unverified. */
type ReadManifest = (digest: Digest) => Promise<Uint8Array<ArrayBuffer>>;

/** How many entries of a layout are looked at in search of referrers; each is a manifest that has to be read. */
const MAX_ENTRIES = 10_000;

/** A manifest as the entry by which a layout lists it as a referrer: none, or one. */
export function listedReferrer(
  { digest, mediaType }: Pick<Descriptor, "digest" | "mediaType">,
  bytes: Uint8Array<ArrayBuffer>,
  name: string,
): Descriptor[] {
  // Where the image has no name, further entries would hide it.
  const referrer = name === "" ? undefined : findReferrer(parseManifest(bytes, mediaType), digest);
  return referrer ? [referrer.descriptor] : [];
}

/** The name of an index that stands in for the referrers API, as regclient writes it into layouts. */
const FALLBACK_NAME = /^sha\d+-[0-9a-f]+$/;

/** The referrers of the manifests of a layout, which are looked for once. */
export class LayoutReferrers {
  readonly #readIndex: () => Promise<LayoutIndex>;
  readonly #readManifest: ReadManifest;
  readonly #once = new OncePerKey<"referrers", ReadonlyMap<Digest, readonly Descriptor[]>>();

  constructor(readIndex: () => Promise<LayoutIndex>, readManifest: ReadManifest) {
    this.#readIndex = readIndex;
    this.#readManifest = readManifest;
  }

  /** The manifests that are about a manifest. */
  async of(subject: Digest): Promise<readonly Descriptor[]> {
    const read = async () => await readReferrers(await this.#readIndex(), this.#readManifest);
    return (await this.#once.get("referrers", read)).get(subject) ?? [];
  }
}

/**
 * The referrers of the manifests of a layout, by what they are about: entries of `index.json` that have a subject, as
 * oras writes them, and those of an index that is named like the tag which stands in for the referrers API.
 */
async function readReferrers(
  { entries }: LayoutIndex,
  readManifest: ReadManifest,
): Promise<ReadonlyMap<Digest, readonly Descriptor[]>> {
  const fallbacks = new Set(
    entries.filter((entry) => FALLBACK_NAME.test(nameOf(entry) ?? "")).map(({ digest }) => digest),
  );
  const listed = new Set(entries.map(({ digest }) => digest));
  const found = new Map<Digest, Descriptor[]>();
  // A set is walked in the order in which it grows.
  for (const digest of listed) {
    if (listed.size > MAX_ENTRIES) throw tooMany();
    const manifest = await findManifest(digest, readManifest);
    if (manifest?.kind === "oci-index" && fallbacks.has(digest)) {
      for (const entry of getEntries(manifest)) listed.add(entry.digest);
    }
    const referrer = manifest && findReferrer(manifest, digest);
    if (!referrer) continue;
    const about = found.get(referrer.subject) ?? [];
    found.set(referrer.subject, about);
    about.push(referrer.descriptor);
  }
  return found;
}

function tooMany(): ManifestsError {
  return new ManifestsError(
    "LIMIT_EXCEEDED",
    `Cannot look for referrers in a layout with more than ${MAX_ENTRIES} manifests`,
  );
}

/** The manifest that an entry names; `undefined` where it is none, or gone: other images must not suffer from that. */
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
