import type { ImageReference, SystemContext } from "../../image/mod.ts";
import type { CopyEvent, CopyResult } from "../../copy/mod.ts";
import { isManifestsError, ManifestsError, MEDIA_TYPES } from "../../spec/mod.ts";
import { createMemoryStore } from "../../store/mod.ts";
import { create, type List, parseImageName } from "./list.ts";
import { type ReadList, readList } from "./read_list.ts";

/** Options for {@linkcode editRemoteList}. */
export interface EditRemoteListOptions {
  /** How to reach the list and what is added to it. */
  systemContext?: SystemContext | undefined;
  /**
   * Begin with an empty list where there is none.
   *
   * @default {false}
   */
  create?: boolean | undefined;
  /** Receives the lines that podman prints. */
  reportWriter?: { write(text: string): unknown } | undefined;
  /** Receives what happens, as values. */
  onProgress?: ((event: CopyEvent) => void) | undefined;
  /** Ends the call. */
  signal?: AbortSignal | undefined;
}

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
  const { create: mayCreate = false, ...push } = options;
  const { systemContext, signal } = push;
  const reference = typeof image === "string" ? parseImageName(image) : image;
  if (reference.dockerReference?.digest !== undefined) {
    throw new ManifestsError(
      "INVALID_REFERENCE",
      `Cannot edit ${reference} as a digest never names anything else: use a tag`,
    );
  }
  const before = mayCreate ? await findList(reference, push) : await readList(reference, { systemContext, signal });
  const list = before?.list ?? create();
  await edit(list);
  await using store = createMemoryStore();
  await list.saveToImage(store, { mimeType: keptType(list, before) });
  const ifMatch = reference.transport === "docker" ? before?.digest ?? null : undefined;
  return await list.push(reference, { ...push, store, ifMatch });
}

async function findList(
  reference: ImageReference,
  { systemContext, signal }: EditRemoteListOptions,
): Promise<ReadList | undefined> {
  try {
    return await readList(reference, { systemContext, signal });
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

/** A Docker list stays one, unless something was added that only an OCI index can say. */
function keptType(list: List, before: ReadList | undefined): string | undefined {
  if (before?.mediaType !== MEDIA_TYPES.dockerList) return undefined;
  const { annotations, artifactType, subject, manifests } = list.ociV1();
  const needsOci = annotations || artifactType || subject ||
    manifests?.some((entry) => entry.annotations || entry.artifactType || entry.data);
  return needsOci ? undefined : MEDIA_TYPES.dockerList;
}
