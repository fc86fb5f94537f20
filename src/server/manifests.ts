import { type ByteStream, readStream } from "../internal/mod.ts";
import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestOf,
  entriesOf,
  isDigest,
  isIndex,
  isManifestsError,
  MAX_MANIFEST_SIZE,
  MEDIA_TYPES,
  type ParsedManifest,
  parseManifest,
  serializeOciIndex,
} from "../spec/mod.ts";
import { contentAnswer, emptyAnswer, jsonAnswer, Refusal } from "./answers.ts";
import type { RegistryStorage } from "./storage.ts";

const TAG_REGEXP = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;

/** The manifest half of the API: manifests, tags, referrers. */
export class ManifestHandlers {
  readonly #storage: RegistryStorage;

  constructor(storage: RegistryStorage) {
    this.#storage = storage;
  }

  /** `/v2/<name>/manifests/<reference>`. */
  async manifest(request: Request, repository: string, reference: string): Promise<Response> {
    if (request.method === "PUT") return await this.#put(request, repository, reference);
    const digest = isDigest(reference) ? reference : await this.#storage.getTag(repository, reference);
    const stored = digest && await this.#storage.getManifest(repository, digest);
    if (!stored) throw new Refusal("MANIFEST_UNKNOWN", `manifest unknown: ${reference}`);
    if (request.method === "DELETE") {
      if (isDigest(reference)) await this.#storage.deleteManifest(repository, reference);
      else await this.#storage.deleteTag(repository, reference);
      return emptyAnswer(202);
    }
    const etag = `"${digest}"`;
    if (request.headers.get("if-none-match") === etag) return emptyAnswer(304, { etag });
    const headers = {
      "content-type": stored.mediaType,
      "content-length": `${stored.bytes.length}`,
      "docker-content-digest": digest,
      etag,
    };
    return await contentAnswer(request.method, 200, headers, () => stored.bytes);
  }

  async #put(request: Request, repository: string, reference: string): Promise<Response> {
    if (!isDigest(reference) && !TAG_REGEXP.test(reference)) {
      throw new Refusal("MANIFEST_INVALID", `neither tag nor digest: ${reference.slice(0, 200)}`);
    }
    const bytes = request.body ? await readStream(request.body as ByteStream, MAX_MANIFEST_SIZE) : new Uint8Array();
    if (!bytes) throw new Refusal("SIZE_INVALID", `manifest has more than ${MAX_MANIFEST_SIZE} bytes`);
    const digest = digestOf(bytes, isDigest(reference) ? digestAlgorithm(reference) : "sha256");
    if (isDigest(reference) && digest !== reference) {
      throw new Refusal("DIGEST_INVALID", "provided digest did not match uploaded content");
    }
    const contentType = (request.headers.get("content-type") ?? "").split(";")[0]!.trim();
    const manifest = parse(bytes, contentType);
    await this.#checkReferences(repository, manifest);
    await this.#storage.putManifest(repository, digest, { bytes, mediaType: manifest.mediaType });
    if (!isDigest(reference)) await this.#storage.putTag(repository, reference, digest);
    const subject = subjectOf(manifest);
    return emptyAnswer(201, {
      location: `/v2/${repository}/manifests/${digest}`,
      "docker-content-digest": digest,
      ...(subject ? { "oci-subject": subject.digest } : {}),
    });
  }

  /** What a manifest refers to must be there before it. */
  async #checkReferences(repository: string, manifest: ParsedManifest): Promise<void> {
    const missing: Digest[] = [];
    for (const { digest } of isIndex(manifest) ? entriesOf(manifest) : []) {
      if (!await this.#storage.getManifest(repository, digest)) missing.push(digest);
    }
    for (const { digest, urls } of blobsOf(manifest)) {
      if (!urls?.length && await this.#storage.statBlob(repository, digest) === undefined) missing.push(digest);
    }
    if (missing.length > 0) {
      throw new Refusal(
        "MANIFEST_BLOB_UNKNOWN",
        `manifest references content unknown to registry: ${missing.join(", ")}`,
      );
    }
  }

  /** `/v2/<name>/tags/list`. */
  async tags(url: URL, repository: string): Promise<Response> {
    const tags = await this.#storage.listTags(repository);
    if (!tags) throw new Refusal("NAME_UNKNOWN", `repository name not known to registry: ${repository}`);
    const { page, link } = paginate(tags, url);
    return jsonAnswer({ name: repository, tags: page }, { headers: link });
  }

  /** `/v2/_catalog`. */
  async catalog(url: URL): Promise<Response> {
    const { page, link } = paginate(await this.#storage.listRepositories(), url);
    return jsonAnswer({ repositories: page }, { headers: link });
  }

  /** `/v2/<name>/referrers/<digest>`. */
  async referrers(url: URL, repository: string, reference: string): Promise<Response> {
    if (!isDigest(reference)) throw new Refusal("DIGEST_INVALID", `invalid digest: ${reference.slice(0, 200)}`);
    const wanted = url.searchParams.get("artifactType");
    const manifests: Descriptor[] = [];
    for (const digest of await this.#storage.listManifests(repository)) {
      const stored = (await this.#storage.getManifest(repository, digest))!;
      const manifest = parse(stored.bytes, stored.mediaType);
      if (subjectOf(manifest)?.digest !== reference) continue;
      const artifactType = artifactTypeOf(manifest);
      if (wanted !== null && artifactType !== wanted) continue;
      manifests.push({
        mediaType: stored.mediaType,
        digest,
        size: stored.bytes.length,
        ...(artifactType ? { artifactType } : {}),
        ...annotationsOf(stored.bytes),
      });
    }
    return new Response(serializeOciIndex({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }), {
      headers: {
        "content-type": MEDIA_TYPES.ociIndex,
        ...(wanted === null ? {} : { "oci-filters-applied": "artifactType" }),
      },
    });
  }
}

function parse(bytes: Uint8Array<ArrayBuffer>, mediaType: string): ParsedManifest {
  try {
    return parseManifest(bytes, mediaType);
  } catch (error) {
    if (isManifestsError(error)) throw new Refusal("MANIFEST_INVALID", error.message);
    throw error;
  }
}

function blobsOf(manifest: ParsedManifest): readonly Descriptor[] {
  if (isIndex(manifest)) return [];
  return manifest.config ? [manifest.config, ...manifest.layers] : manifest.layers;
}

function subjectOf(manifest: ParsedManifest): Descriptor | undefined {
  if (manifest.kind === "oci-index") return manifest.index.subject;
  return isIndex(manifest) ? undefined : manifest.subject;
}

function artifactTypeOf(manifest: ParsedManifest): string | undefined {
  if (manifest.kind === "oci-index") return manifest.index.artifactType;
  return isIndex(manifest) ? undefined : manifest.artifactType ?? manifest.config?.mediaType;
}

function annotationsOf(bytes: Uint8Array): { annotations?: Record<string, string> } {
  const { annotations } = JSON.parse(new TextDecoder().decode(bytes));
  return annotations ? { annotations } : {};
}

function paginate(items: string[], url: URL): { page: string[]; link: Record<string, string> } {
  const last = url.searchParams.get("last");
  const n = url.searchParams.get("n");
  const rest = last === null ? items : items.filter((item) => item > last);
  const page = n !== null && /^\d+$/.test(n) ? rest.slice(0, Number(n)) : rest;
  if (page.length === 0 || page.length === rest.length) return { page, link: {} };
  const next = `${url.pathname}?n=${n}&last=${encodeURIComponent(page.at(-1)!)}`;
  return { page, link: { link: `<${next}>; rel="next"` } };
}
