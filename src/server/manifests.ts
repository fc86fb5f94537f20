import { type ByteStream, readStream } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  findReferrer,
  getEntries,
  isDigest,
  isIndex,
  isManifestsError,
  isTag,
  MAX_MANIFEST_SIZE,
  MEDIA_TYPES,
  type ParsedManifest,
  parseManifest,
  serializeOciIndex,
} from "../spec/room.ts";
import { ApiError, createContentResponse, createEmptyResponse, createJsonResponse } from "./answers.ts";
import type { RegistryStorage } from "./storage.ts";

/** Maximum number of referrers in one response. */
const MAX_REFERRERS = 1000;

/** Handlers for manifests, tags and referrers. */
export class ManifestHandlers {
  readonly #storage: RegistryStorage;
  /** Last pending write of each tag: writes of one tag check their conditions one after another. */
  readonly #busy = new Map<string, Promise<void>>();

  constructor(storage: RegistryStorage) {
    this.#storage = storage;
  }

  /** Handles `/v2/<name>/manifests/<reference>`. */
  async manifest(request: Request, url: URL, repository: string, reference: string): Promise<Response> {
    if (request.method === "PUT") return await this.#put(request, url, repository, reference);
    if (!isDigest(reference) && !isTag(reference)) {
      throw new ApiError("MANIFEST_UNKNOWN", `manifest unknown: ${reference.slice(0, 200)}`);
    }
    const digest = isDigest(reference) ? reference : await this.#storage.getTag(repository, reference);
    const stored = digest && await this.#storage.getManifest(repository, digest);
    if (!stored) throw new ApiError("MANIFEST_UNKNOWN", `manifest unknown: ${reference}`);
    if (request.method === "DELETE") {
      if (isDigest(reference)) await this.#storage.deleteManifest(repository, reference);
      else await this.#storage.deleteTag(repository, reference);
      return createEmptyResponse(202);
    }
    const etag = `"${digest}"`;
    const ifNoneMatch = request.headers.get("if-none-match");
    if (ifNoneMatch !== null && matchesEtag(ifNoneMatch, digest)) return createEmptyResponse(304, { etag });
    const headers = {
      "content-type": stored.mediaType,
      "content-length": `${stored.bytes.length}`,
      "docker-content-digest": digest,
      etag,
    };
    return await createContentResponse(request.method, 200, headers, () => stored.bytes);
  }

  async #put(request: Request, url: URL, repository: string, reference: string): Promise<Response> {
    // Tags may be written together with a digest (distribution-spec, "Pushing Manifests").
    const tags = isDigest(reference) ? [...new Set(url.searchParams.getAll("tag"))] : [reference];
    for (const tag of tags) {
      if (isTag(tag)) continue;
      throw new ApiError("MANIFEST_INVALID", `neither tag nor digest: ${tag.slice(0, 200)}`);
    }
    const bytes = request.body ? await readStream(request.body as ByteStream, MAX_MANIFEST_SIZE) : new Uint8Array();
    if (!bytes) throw new ApiError("SIZE_INVALID", `manifest has more than ${MAX_MANIFEST_SIZE} bytes`);
    const digest = digestOf(bytes, isDigest(reference) ? digestAlgorithm(reference) : "sha256");
    if (isDigest(reference) && digest !== reference) {
      throw new ApiError("DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    const contentType = (request.headers.get("content-type") ?? "").split(";")[0]!.trim();
    const manifest = parse(bytes, contentType);
    await this.#assertReferences(repository, manifest);
    await this.#storage.putManifest(repository, digest, { bytes, mediaType: manifest.mediaType });
    for (const tag of tags) await this.#putTag(request, repository, tag, digest);
    const referrer = findReferrer(manifest, digest);
    return createEmptyResponse(201, {
      location: `/v2/${repository}/manifests/${digest}`,
      "docker-content-digest": digest,
      etag: `"${digest}"`,
      ...(referrer ? { "oci-subject": referrer.subject } : {}),
      ...(isDigest(reference) && tags.length > 0 ? { "oci-tag": tags.join(", ") } : {}),
    });
  }

  /** Points a tag at a manifest if the conditions of the request hold (RFC 9110 §13.1); no other write can come in between. */
  async #putTag(request: Request, repository: string, tag: string, digest: Digest): Promise<void> {
    const key = `${repository}:${tag}`;
    const turn = (this.#busy.get(key) ?? Promise.resolve()).then(async () => {
      const current = await this.#storage.getTag(repository, tag);
      const ifMatch = request.headers.get("if-match");
      const ifNoneMatch = request.headers.get("if-none-match");
      if (
        (ifMatch !== null && !matchesEtag(ifMatch, current)) ||
        (ifNoneMatch !== null && matchesEtag(ifNoneMatch, current))
      ) {
        throw new ApiError(
          "PRECONDITION_FAILED",
          current ? `tag ${tag} names ${current}` : `tag ${tag} does not exist`,
        );
      }
      await this.#storage.putTag(repository, tag, digest);
    });
    const settled = turn.catch(() => {}).then(() => {
      if (this.#busy.get(key) === settled) this.#busy.delete(key);
    });
    this.#busy.set(key, settled);
    await turn;
  }

  /**
   * Makes sure that the repository has the blobs and manifests that a manifest refers to.
   *
   * @throws {ApiError} With code `MANIFEST_BLOB_UNKNOWN` if one is missing.
   */
  async #assertReferences(repository: string, manifest: ParsedManifest): Promise<void> {
    const missing: Digest[] = [];
    for (const { digest } of isIndex(manifest) ? getEntries(manifest) : []) {
      if (!isDigest(digest) || !await this.#storage.getManifest(repository, digest)) missing.push(digest);
    }
    for (const { digest, urls } of listBlobs(manifest)) {
      if (urls?.length) continue;
      if (!isDigest(digest) || await this.#storage.statBlob(repository, digest) === undefined) missing.push(digest);
    }
    if (missing.length > 0) {
      throw new ApiError(
        "MANIFEST_BLOB_UNKNOWN",
        `manifest references content unknown to registry: ${missing.join(", ")}`,
      );
    }
  }

  /** Handles `/v2/<name>/tags/list`. */
  async tags(url: URL, repository: string): Promise<Response> {
    const tags = await this.#storage.listTags(repository);
    if (!tags) throw new ApiError("NAME_UNKNOWN", `repository name not known to registry: ${repository}`);
    const { page, link } = paginate(tags, url, (tag) => tag);
    return createJsonResponse({ name: repository, tags: page }, { headers: link });
  }

  /** Handles `/v2/_catalog`. */
  async catalog(url: URL): Promise<Response> {
    const { page, link } = paginate(await this.#storage.listRepositories(), url, (name) => name);
    return createJsonResponse({ repositories: page }, { headers: link });
  }

  /** Handles `/v2/<name>/referrers/<digest>`. */
  async referrers(url: URL, repository: string, reference: string): Promise<Response> {
    if (!isDigest(reference)) throw new ApiError("DIGEST_INVALID", `invalid digest: ${reference.slice(0, 200)}`);
    const artifactType = url.searchParams.get("artifactType");
    const manifests: Descriptor[] = [];
    for (const digest of (await this.#storage.listManifests(repository)).sort()) {
      const stored = (await this.#storage.getManifest(repository, digest))!;
      const referrer = findReferrer(parse(stored.bytes, stored.mediaType), digest);
      if (referrer?.subject !== reference) continue;
      if (artifactType === null || referrer.descriptor.artifactType === artifactType) {
        manifests.push(referrer.descriptor);
      }
    }
    const { page, link } = paginate(manifests, url, ({ digest }) => digest, MAX_REFERRERS);
    return new Response(serializeOciIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: page }), {
      headers: {
        "content-type": MEDIA_TYPES.ociIndex,
        ...link,
        ...(artifactType === null ? {} : { "oci-filters-applied": "artifactType" }),
      },
    });
  }
}

/** Returns whether a list of entity tags contains that of a manifest. `*` matches every manifest. */
function matchesEtag(header: string, digest: Digest | undefined): boolean {
  if (digest === undefined) return false;
  return header.split(",").some((tag) => ["*", `"${digest}"`, `W/"${digest}"`].includes(tag.trim()));
}

function parse(bytes: Uint8Array<ArrayBuffer>, mediaType: string): ParsedManifest {
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (isManifestsError(error)) throw new ApiError("MANIFEST_INVALID", error.message);
    throw error;
  }
}

/** Returns the descriptors of the blobs that a manifest names. */
export function listBlobs(manifest: ParsedManifest): readonly Descriptor[] {
  if (isIndex(manifest)) return [];
  return manifest.config ? [manifest.config, ...manifest.layers] : manifest.layers;
}

/** Returns a page of sorted items as the query requests: at most `n` items, after `last`; and the `Link` to the next page. */
function paginate<T>(
  items: T[],
  url: URL,
  getName: (item: T) => string,
  limit = Infinity,
): { page: T[]; link: Record<string, string> } {
  const last = url.searchParams.get("last");
  const n = url.searchParams.get("n");
  const rest = last === null ? items : items.filter((item) => getName(item) > last);
  const page = rest.slice(0, n !== null && /^\d+$/.test(n) ? Math.min(Number(n), limit) : limit);
  if (page.length === 0 || page.length === rest.length) return { page, link: {} };
  const next = new URLSearchParams(url.searchParams);
  next.set("last", getName(page.at(-1)!));
  return { page, link: { link: `<${url.pathname}?${next}>; rel="next"` } };
}
