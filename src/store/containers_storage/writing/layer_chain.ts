import { type Digest, digestHex, digestOf } from "../../../spec/room.ts";
import { encodeUtf8 } from "../../../internal/room.ts";

/**
 * Returns the ids of layers with these digests of their archives, the lowest first: the chain ids of the OCI image-spec
 * without the algorithm.
 */
export function listLayerIds(diffIds: readonly Digest[]): string[] {
  const ids: string[] = [];
  for (const diffId of diffIds) {
    const parent = ids.at(-1);
    ids.push(
      parent === undefined ? digestHex(diffId) : digestHex(digestOf(encodeUtf8(`${parent}+${digestHex(diffId)}`))),
    );
  }
  return ids;
}
