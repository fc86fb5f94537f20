import type { ImageReference } from "../image/room.ts";
import type { CopyResult } from "../copy/room.ts";
import { type Digest, isManifestsError, ManifestsError, MEDIA_TYPES } from "../spec/room.ts";
import { createMemoryStore } from "../store/room.ts";
import { holdRegistry } from "./hold_registry.ts";
import { type Kit, resolveImage } from "./kit.ts";
import { type ReadList, readListWith } from "./read_list.ts";
import { delay } from "@std/async";
import { backoffDelay } from "../internal/room.ts";
import type { BaseList, PushOptions } from "../list/room.ts";

/** Milliseconds before the second attempt, and until which attempt that grows. */
const BACKOFF = 20, MAX_BACKOFF = 6;

/** Options for {@linkcode editRemoteList}. */
export interface EditRemoteListOptions extends
  Pick<
    PushOptions,
    | "systemContext"
    | "signers"
    | "signIdentity"
    | "referrers"
    | "reportWriter"
    | "onProgress"
    | "maxRetries"
    | "retryDelay"
    | "maxParallelTransfers"
    | "signal"
  > {
  /**
   * Begin with an empty list where there is none.
   *
   * @default {false}
   */
  create?: boolean | undefined;
  /**
   * How often the list is read, edited and pushed until nobody else pushed meanwhile.
   *
   * @default {64}
   */
  maxAttempts?: number | undefined;
}

/** `editRemoteList` of either side. */
export async function editRemoteListWith<L extends BaseList>(
  kit: Kit<L>,
  image: string | ImageReference,
  edit: (list: L) => unknown,
  options: EditRemoteListOptions = {},
): Promise<CopyResult> {
  const { create: mayCreate = false, maxAttempts = 64, ...push } = options;
  const { systemContext, signal } = push;
  const reference = resolveImage(kit, image);
  if (reference.dockerReference?.digest !== undefined) {
    throw new ManifestsError(
      "INVALID_REFERENCE",
      `Cannot edit ${reference} as a digest never names anything else: use a tag`,
    );
  }
  await using _held = await holdRegistry(reference, systemContext);
  for (let attempt = 1;; attempt++) {
    const before = mayCreate
      ? await findList(kit, reference, push)
      : await readListWith(kit, reference, { systemContext, signal });
    const list = before?.list ?? kit.createList();
    await edit(list);
    await using store = createMemoryStore();
    await list.saveToImage(store, { mimeType: keptType(list, before) });
    const ifMatch = reference.transport === "docker" ? before?.digest ?? null : undefined;
    try {
      // What is in the repository already is neither read nor written again.
      const instances = push.signers?.length ? undefined : missingAt(reference, list);
      const selection = instances ? { imageListSelection: "specific", instances } as const : {};
      return await list.push(reference, { ...push, ...selection, store, ifMatch });
    } catch (error) {
      if (!isManifestsError(error, "CONFLICT") || attempt >= maxAttempts) throw error;
      await delay(backoffDelay(Math.min(attempt, MAX_BACKOFF), BACKOFF), signal ? { signal } : {});
    }
  }
}

/** The instances of a list that are not known to be in the repository of a reference. */
export function missingAt({ dockerReference }: ImageReference, list: BaseList): Digest[] {
  const here = `docker://${dockerReference?.trimmed().familiar()}@`;
  return [...new Set(list.instances())].filter((digest) => !list.location(digest)?.startsWith(here));
}

async function findList<L extends BaseList>(
  kit: Kit<L>,
  reference: ImageReference,
  { systemContext, signal }: EditRemoteListOptions,
): Promise<ReadList<L> | undefined> {
  try {
    return await readListWith(kit, reference, { systemContext, signal });
  } catch (error) {
    if (isManifestsError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}

/** A Docker list stays one, unless something was added that only an OCI index can say. */
function keptType(list: BaseList, before: ReadList | undefined): string | undefined {
  if (before?.mediaType !== MEDIA_TYPES.dockerList) return undefined;
  const { annotations, artifactType, subject, manifests } = list.ociV1();
  const needsOci = annotations || artifactType || subject ||
    manifests?.some((entry) => entry.annotations || entry.artifactType || entry.data);
  return needsOci ? undefined : MEDIA_TYPES.dockerList;
}
