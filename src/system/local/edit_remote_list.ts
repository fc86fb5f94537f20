import type { ImageReference } from "../../image/room.ts";
import type { CopyResult } from "../../copy/room.ts";
import type { List } from "./list.ts";
import { type EditRemoteListOptions, editRemoteListWith } from "../../actions/room.ts";
import { LOCAL_RUNTIME } from "./runtime.ts";

/**
 * Edits a list in its registry, without a store and at the same time as others do: read, edit, push under the same name.
 * Existing instances are not copied again. `edit` is called again, with what others wrote, if they were faster. An edit
 * that changes nothing is not written: the result is `unchanged`.
 *
 * A registry with conditional requests refuses all writers but one. With any other registry, this function waits for
 * slower writers after its write and looks whether its edit is still there; see docs/registries.md, "Concurrent
 * writers", for what is guaranteed.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if there is no list (see `create`), `CONFLICT` if other writers were
 * faster each time, `NOT_A_MANIFEST_LIST` if the image is not a list; `DIGEST_MISMATCH` or `INVALID_MANIFEST` if it is
 * damaged; `POLICY_REJECTED`; `UNAUTHORIZED`, `DENIED`, `NETWORK`, `TOO_MANY_REQUESTS`, `REGISTRY_ERROR` or
 * `MANIFEST_REJECTED` if the registry fails. Exceptions of `edit` are passed on.
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
  return await editRemoteListWith(LOCAL_RUNTIME, image, edit, options);
}
