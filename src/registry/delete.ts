import { type CallOptions, encodeUtf8 } from "../internal/room.ts";
import {
  EMPTY_DESCRIPTOR,
  EMPTY_JSON,
  findReferrer,
  isDigest,
  isManifestsError,
  MEDIA_TYPES,
  parseManifest,
  type Referrer,
} from "../spec/room.ts";
import { readError, RegistryError } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";
import { getManifest } from "./manifests.ts";
import type { RepositoryApi } from "./repository_api.ts";

/** What deleting is called: by docker-registry and Quay, by IBM's registry, by those that think it a kind of pushing. */
const DELETE_ACTIONS: readonly string[] = ["*", "pull,push,delete", "pull,push"];

/** Deletes what is at a path below the repository; `false` where nothing was. */
export async function deletePath(api: RepositoryApi, rest: string, options: CallOptions): Promise<boolean> {
  const answer = await sendDelete(api, rest, options);
  const { response } = answer;
  if (response.status !== 404 && (response.status < 200 || response.status > 299)) {
    throw await readError("DELETE", answer);
  }
  await response.body?.cancel();
  return response.status !== 404;
}

/** Asks for the right to delete under each of its names. */
async function sendDelete(api: RepositoryApi, rest: string, options: CallOptions): Promise<HttpResponse> {
  for (const [i, actions] of DELETE_ACTIONS.entries()) {
    const last = i === DELETE_ACTIONS.length - 1;
    try {
      const answer = await api.send("DELETE", rest, { ...options, actions });
      if (last || answer.response.status !== 401 || !api.connection.usesTokens) return answer;
      await answer.response.body?.cancel();
    } catch (error) {
      // The token service knows no such right.
      if (last || !(error instanceof RegistryError) || ![400, 401, 403].includes(error.status)) throw error;
    }
  }
  throw new Error("unreachable");
}

/** The subject of a manifest that is about to be deleted: the lists of its referrers may have to be told. */
export async function findReferrerAt(
  api: RepositoryApi,
  tagOrDigest: string,
  options: CallOptions,
): Promise<Referrer | undefined> {
  if (!isDigest(tagOrDigest)) return undefined;
  try {
    const { bytes, mediaType } = await getManifest(api, tagOrDigest, options);
    return findReferrer(parseManifest(bytes, mediaType), tagOrDigest);
  } catch (error) {
    // What is missing, or is nothing that we know, is deleted all the same.
    if (isManifestsError(error) && !isManifestsError(error, "NETWORK")) return undefined;
    throw error;
  }
}

/** A manifest that nothing else is: what a tag may be pointed at, to be deleted with it. */
export function createUniqueManifest(): Uint8Array<ArrayBuffer> {
  const empty = { mediaType: EMPTY_DESCRIPTOR.mediaType, digest: EMPTY_DESCRIPTOR.digest, size: EMPTY_JSON.length };
  return encodeUtf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: "application/vnd.multiarch.deleted",
    config: empty,
    layers: [empty],
    annotations: { "io.multiarch.deleted": crypto.randomUUID() },
  }));
}
