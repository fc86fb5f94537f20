import { type CallOptions, readStream } from "../internal/room.ts";
import {
  type Descriptor,
  type Digest,
  isManifestsError,
  ManifestsError,
  MEDIA_TYPES,
  parseManifest,
  parseOciIndex,
} from "../spec/room.ts";
import { getBody } from "./body.ts";
import { readError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { getManifest } from "./manifests.ts";
import { followPages, MAX_PAGE_SIZE } from "./pages.ts";
import { redactUrl } from "./redact.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** Statuses with which registries without the referrers API answer. */
const UNSUPPORTED: readonly number[] = [400, 404, 405, 406, 501];

/** Options for {@linkcode Repository.listReferrers}. */
export interface ListReferrersOptions extends CallOptions {
  /** List only referrers of this artifact type. Default: all. */
  artifactType?: string | undefined;
}

/** Yields the referrers of a manifest, from the referrers API or else from the tag of the referrers tag schema. */
export async function* listReferrers(
  api: RepositoryApi,
  subject: Digest,
  options: ListReferrersOptions,
): AsyncGenerator<Descriptor, void, undefined> {
  const { artifactType, ...call } = options;
  // The server may ignore the filter, so it is always applied here too.
  const matches = (entry: Descriptor) => artifactType === undefined || entry.artifactType === artifactType;
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const first = await api.send("GET", `referrers/${subject}${query}`, {
    ...call,
    headers: { accept: MEDIA_TYPES.ociIndex },
  });
  if (!isSupported(first)) {
    await first.response.body?.cancel();
    yield* (await readReferrersTag(api, subject, call)).entries.filter(matches);
    return;
  }
  let before = new Set<string>();
  const path = `/v2/${api.path}/referrers/${subject}`;
  for await (const answer of followPages(first, (target) => api.send("GET", target, call), path)) {
    const page = (await readPage(answer)).filter(matches);
    // Pages may repeat entries of the previous page only; remembering no more keeps memory constant.
    for (const entry of page) if (!before.has(entry.digest)) yield entry;
    before = new Set(page.map(({ digest }) => digest));
  }
}

/** Returns whether the registry has the referrers API, by requesting the referrers of this manifest. */
export async function hasReferrersApi(api: RepositoryApi, subject: Digest, call: CallOptions): Promise<boolean> {
  const answer = await api.send("GET", `referrers/${subject}`, { ...call, headers: { accept: MEDIA_TYPES.ociIndex } });
  const supported = isSupported(answer);
  if (!supported && !UNSUPPORTED.includes(answer.response.status) && answer.response.status !== 200) {
    throw await readError("GET", answer);
  }
  await answer.response.body?.cancel();
  return supported;
}

/** Returns whether the referrers API answered. The type is checked too: a web server may answer 200 to every request. */
function isSupported({ response }: HttpResponse): boolean {
  if (UNSUPPORTED.includes(response.status)) return false;
  return response.status !== 200 || (response.headers.get("content-type") ?? "").startsWith(MEDIA_TYPES.ociIndex);
}

async function readPage(answer: HttpResponse): Promise<readonly Descriptor[]> {
  const bytes = await readStream(getBody(answer), MAX_PAGE_SIZE);
  if (!bytes) {
    throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the list at ${redactUrl(answer.url)}: it is too long`);
  }
  return parseOciIndex(bytes).manifests ?? [];
}

/** Returns the tag that lists the referrers without the API (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(subject: Digest): string {
  const cut = (text: string, length: number) => text.slice(0, length).replace(/[^A-Za-z0-9_.-]/g, "-");
  // The subject may use an algorithm that is not supported here: only its name is needed, not its content.
  const [algorithm, encoded] = subject.split(":") as [string, string];
  return `${cut(algorithm, 32)}-${cut(encoded, 64)}`;
}

/** Content of the tag that lists the referrers of a subject. */
export interface ReferrersTag {
  /** Digest of the index; `null` if the tag does not exist. */
  readonly digest: Digest | null;
  /** Entity tag (`ETag`) of the index; `null` if the registry sent none. */
  readonly etag: string | null;
  /** Descriptors of the referrers, without duplicates. */
  readonly entries: readonly Descriptor[];
}

/**
 * Reads the tag that lists the referrers of a subject.
 *
 * @throws {ManifestsError} With code `REGISTRY_ERROR` if it does not name an index; such a tag must not be overwritten.
 */
export async function readReferrersTag(api: RepositoryApi, subject: Digest, call: CallOptions): Promise<ReferrersTag> {
  const tag = referrersTag(subject);
  try {
    const { bytes, mediaType, digest, etag } = await getManifest(api, tag, call);
    const manifest = parseManifest(bytes, mediaType);
    if (manifest.kind === "oci-index") {
      const entries = new Map((manifest.index.manifests ?? []).map((entry) => [entry.digest, entry]));
      return { digest, etag, entries: [...entries.values()] };
    }
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return { digest: null, etag: null, entries: [] };
    if (!(error instanceof SyntaxError) && !isManifestsError(error, "MANIFEST_TYPE_NOT_SUPPORTED")) throw error;
  }
  throw new ManifestsError(
    "REGISTRY_ERROR",
    `Cannot read the referrers of ${subject}: the tag ${api.getName(tag)} does not name an index`,
  );
}
