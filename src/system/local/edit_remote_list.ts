import type { ImageReference } from "../../image/room.ts";
import type { CopyResult } from "../../copy/room.ts";
import type { List } from "./list.ts";
import { type EditRemoteListOptions, editRemoteListWith } from "../../actions/room.ts";
import { LOCAL_KIT } from "./kit.ts";

/**
 * Changes a list where it is, without a store: read, change, push under the same name. Instances that stay are not
 * copied again. Where somebody else pushed meanwhile, nothing is written: the registry sees to that where it knows
 * conditional requests, and elsewhere a look right before and after the write.
 *
 * @throws {ManifestsError} With code `CONFLICT` where somebody else pushed meanwhile; those of reading and pushing.
 *
 * @example
 * ```ts
 * import { create, editRemoteList } from "@multiarch/manifests";
 * import { createMemoryStorage, createRegistry } from "@multiarch/manifests/server";
 * import assert from "node:assert/strict";
 *
 * const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
 * await create().push("registry.example/app:1", { systemContext });
 * const pushed = await editRemoteList("registry.example/app:1", async (list) => {
 *   await list.addArtifact([], { artifactType: "application/vnd.example" });
 * }, { systemContext });
 * assert.equal(pushed.instances.size, 1);
 * ```
 */
export async function editRemoteList(
  image: string | ImageReference,
  edit: (list: List) => unknown,
  options: EditRemoteListOptions = {},
): Promise<CopyResult> {
  return await editRemoteListWith(LOCAL_KIT, image, edit, options);
}
