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

/** What registries without the referrers API answer. */
const UNSUPPORTED: readonly number[] = [400, 404, 405, 406, 501];

/** Options for {@linkcode Repository.listReferrers}. */
export interface ListReferrersOptions extends CallOptions {
  /** The type of artifacts that are wanted; default: all. */
  artifactType?: string | undefined;
}

/** The referrers of a manifest, from the API, or from the tag that stands in for it. */
export async function* listReferrers(
  api: RepositoryApi,
  subject: Digest,
  options: ListReferrersOptions,
): AsyncGenerator<Descriptor, void, undefined> {
  const { artifactType, ...call } = options;
  // The filter is the server's to apply or not; applying it again does no harm.
  const wanted = (entry: Descriptor) => artifactType === undefined || entry.artifactType === artifactType;
  const query = artifactType === undefined ? "" : `?artifactType=${encodeURIComponent(artifactType)}`;
  const first = await api.send("GET", `referrers/${subject}${query}`, {
    ...call,
    headers: { accept: MEDIA_TYPES.ociIndex },
  });
  if (!isSupported(first)) {
    await first.response.body?.cancel();
    yield* (await readReferrersTag(api, subject, call)).entries.filter(wanted);
    return;
  }
  let before = new Set<string>();
  const path = `/v2/${api.path}/referrers/${subject}`;
  for await (const answer of followPages(first, (target) => api.send("GET", target, call), path)) {
    const page = (await readPage(answer)).filter(wanted);
    // Constant memory: pages repeat what was at the end of the one before, if anything.
    for (const entry of page) if (!before.has(entry.digest)) yield entry;
    before = new Set(page.map(({ digest }) => digest));
  }
}

/** Whether a registry has the referrers API, judged by whether it knows the referrers of this manifest. */
export async function hasReferrersApi(api: RepositoryApi, subject: Digest, call: CallOptions): Promise<boolean> {
  const answer = await api.send("GET", `referrers/${subject}`, { ...call, headers: { accept: MEDIA_TYPES.ociIndex } });
  const supported = isSupported(answer);
  if (!supported && !UNSUPPORTED.includes(answer.response.status) && answer.response.status !== 200) {
    throw await readError("GET", answer);
  }
  await answer.response.body?.cancel();
  return supported;
}

/** A web server may answer anything with success. */
function isSupported({ response }: HttpResponse): boolean {
  if (UNSUPPORTED.includes(response.status)) return false;
  return response.status !== 200 || (response.headers.get("content-type") ?? "").startsWith(MEDIA_TYPES.ociIndex);
}

async function readPage(answer: HttpResponse): Promise<readonly Descriptor[]> {
  const bytes = await readStream(getBody(answer), MAX_PAGE_SIZE);
  if (!bytes) {
    throw new ManifestsError("LIMIT_EXCEEDED", `Cannot read the list at ${redactUrl(answer.url)} as it is too long`);
  }
  return parseOciIndex(bytes).manifests ?? [];
}

/** The tag that stands in for the referrers API (distribution-spec, "Referrers Tag Schema"). */
export function referrersTag(subject: Digest): string {
  const cut = (text: string, length: number) => text.slice(0, length).replace(/[^A-Za-z0-9_.-]/g, "-");
  // Also for an algorithm that is not supported here: nothing of the subject is read.
  const [algorithm, encoded] = subject.split(":") as [string, string];
  return `${cut(algorithm, 32)}-${cut(encoded, 64)}`;
}

/** What the tag of a subject holds. */
export interface ReferrersTag {
  /** Digest of the index; `null` if there is none. */
  readonly digest: Digest | null;
  /** Entity tag of the index; `null` if the registry gave none. */
  readonly etag: string | null;
  /** The referrers, each once. */
  readonly entries: readonly Descriptor[];
}

/**
 * Reads the tag that stands in for the referrers API.
 *
 * @throws {ManifestsError} With code `REGISTRY_ERROR` where it holds something else: that must not be overwritten.
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
    `Cannot read the referrers of ${subject} as the tag ${api.getName(tag)} holds no index`,
  );
}
