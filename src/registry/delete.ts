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

/** Token actions that allow deleting: in docker-registry and Quay; in IBM's registry; in registries that only know push. */
const DELETE_ACTIONS: readonly string[] = ["*", "pull,push,delete", "pull,push"];

/** Deletes the content at a path below the repository. Returns `false` if it did not exist. */
export async function deletePath(api: RepositoryApi, rest: string, options: CallOptions): Promise<boolean> {
  const answer = await sendDelete(api, rest, options);
  const { response } = answer;
  if (response.status !== 404 && (response.status < 200 || response.status > 299)) {
    throw await readError("DELETE", answer);
  }
  await response.body?.cancel();
  return response.status !== 404;
}

/** Sends the request with a token for each name of the action to delete, until one is accepted. */
async function sendDelete(api: RepositoryApi, rest: string, options: CallOptions): Promise<HttpResponse> {
  for (const [i, actions] of DELETE_ACTIONS.entries()) {
    const last = i === DELETE_ACTIONS.length - 1;
    try {
      const answer = await api.send("DELETE", rest, { ...options, actions });
      if (last || answer.response.status !== 401 || !api.connection.usesTokens) return answer;
      await answer.response.body?.cancel();
    } catch (error) {
      // The token service does not know this action.
      if (last || !(error instanceof RegistryError) || ![400, 401, 403].includes(error.status)) throw error;
    }
  }
  throw new Error("unreachable");
}

/** Returns the referrer that a manifest is, before it is deleted: its subject's list may have to be updated. */
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
    // A manifest that is missing or of an unknown type has no subject here; the caller deletes it anyway.
    if (isManifestsError(error) && !isManifestsError(error, "NETWORK")) return undefined;
    throw error;
  }
}

/** Creates a manifest that differs from all others: a tag can be pointed at it, and is deleted with it. */
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
