import type { ImageReference } from "../image/room.ts";
import type { CopyResult } from "../copy/room.ts";
import { type Digest, isManifestsError, ManifestsError, MEDIA_TYPES, ZSTD_ANNOTATION } from "../spec/room.ts";
import { createMemoryStore } from "../store/room.ts";
import { keepConnection } from "./keep_connection.ts";
import { resolveImage, type Runtime } from "./runtime.ts";
import { type ReadList, readListWith } from "./read_list.ts";
import { allOrAbort, repeatWhileLost } from "../internal/room.ts";
import { collectFacts, compareFacts, type FactsChange, hasChange } from "./index_facts.ts";
import type { List, PushOptions } from "../list/room.ts";

/** Options for {@linkcode editRemoteList}. */
export interface EditRemoteListOptions extends
  Pick<
    PushOptions,
    | "systemContext"
    | "signers"
    | "signIdentity"
    | "signaturePolicy"
    | "referrers"
    | "reportWriter"
    | "onProgress"
    | "maxRetries"
    | "retryDelay"
    | "maxParallelTransfers"
    | "signal"
  > {
  /**
   * Begin with an empty list if the tag does not exist.
   *
   * @default {false}
   */
  create?: boolean | undefined;
  /**
   * Maximum number of times that the list is read, edited and pushed, because other writers were faster.
   *
   * @default {64}
   */
  maxAttempts?: number | undefined;
}

/** Options of {@linkcode editRemoteListWith} that only functions which know their edit may set. */
export interface EditInternals {
  /**
   * Reads what the edit needs, at the same time as the list is read: once for each call of the edit, before it. Default:
   * nothing.
   */
  prepare?: ((signal: AbortSignal) => Promise<unknown>) | undefined;
  /**
   * Treat an edit that changes nothing but the order of the instances as no change: adding an instance that is there
   * already moves it to the end.
   *
   * @default {false}
   */
  ignoreOrder?: boolean | undefined;
}

/**
 * Edits an index in a registry. Every edit of an index that others may edit too goes through this function.
 *
 * An edit that changes nothing is not written. After a lost race the index is read again: if another writer's index has
 * this edit in it, the edit is done, else it is repeated on that index.
 */
export async function editRemoteListWith(
  runtime: Runtime,
  image: string | ImageReference,
  edit: (list: List) => unknown,
  options: EditRemoteListOptions & EditInternals = {},
): Promise<CopyResult> {
  const { create: _, maxAttempts, ignoreOrder = false, prepare: __, ...push } = options;
  const { systemContext, signal } = push;
  const reference = resolveImage(runtime, image);
  if (reference.dockerReference?.digest !== undefined) {
    throw new ManifestsError(
      "INVALID_REFERENCE",
      `Cannot edit ${reference}: a digest always names the same content: use a tag`,
    );
  }
  await using _held = await keepConnection(reference, systemContext);
  const signs = (push.signers?.length ?? 0) > 0;
  let lost: FactsChange | undefined;
  return await repeatWhileLost(async () => {
    const before = await readForEdit(runtime, reference, options);
    // Another writer's index is not signed by this one, whatever is in it.
    if (before && lost && lost.size > 0 && !signs && hasChange(before.list, lost)) {
      return describeList(reference, before);
    }
    const list = before?.list ?? runtime.createList();
    const facts = collectFacts(list), existing = list.instances();
    await edit(list);
    const change = compareFacts(facts, collectFacts(list));
    const isMoved = !ignoreOrder && String(existing) !== String(list.instances());
    if (before && !signs && change.size === 0 && !isMoved) {
      return { ...describeList(reference, before), unchanged: true };
    }
    const copied = listCopied(reference, list, existing, options);
    lost = change;
    return await pushEdited(reference, { list, before, copied: signs ? undefined : copied }, push);
  }, { isLost: (error) => isManifestsError(error, "CONFLICT"), maxAttempts, signal });
}

/** Pushes an edited list, if its tag still has the digest from which the list was read. */
async function pushEdited(
  reference: ImageReference,
  edited: { list: List; before: ReadList | undefined; copied: readonly Digest[] | undefined },
  push: PushOptions,
): Promise<CopyResult> {
  const { list, before, copied } = edited;
  await using store = createMemoryStore();
  await list.saveToImage(store, { mimeType: chooseKeptType(list, before) });
  const ifMatch = reference.transport === "docker" ? before?.digest ?? null : undefined;
  const selection = copied ? { imageListSelection: "specific", instances: copied } as const : {};
  return await list.push(reference, { ...push, ...selection, store, ifMatch });
}

/** The result of an edit that another writer's index has in it, or that changed nothing. */
function describeList({ dockerReference, transport }: ImageReference, read: ReadList): CopyResult {
  const { digest, mediaType, list } = read;
  const name = transport === "docker" ? dockerReference?.trimmed().withDigest(digest) : undefined;
  const instances = new Map(list.instances().map((instance) => [instance, instance]));
  return { digest, ...(name ? { reference: String(name) } : {}), mediaType, instances };
}

/**
 * Returns the instances that a push of an edited list copies: content that the repository already has is neither read nor
 * written again, unless it is new in the list and a policy is checked.
 */
export function listCopied(
  reference: ImageReference,
  list: List,
  existing: readonly Digest[],
  { signaturePolicy }: EditRemoteListOptions,
): Digest[] {
  const added = signaturePolicy === undefined ? [] : list.instances().filter((digest) => !existing.includes(digest));
  return [...new Set([...listMissing(reference, list), ...added])];
}

/** The instances of a list that are not known to be in the repository of a reference. */
export function listMissing({ dockerReference }: ImageReference, list: List): Digest[] {
  const here = `docker://${dockerReference?.trimmed().familiar()}@`;
  return [...new Set(list.instances())].filter((digest) => !list.location(digest)?.startsWith(here));
}

/**
 * Reads a list that is edited; with `create`, `undefined` if it does not exist. `prepare` is called at the
 * same time, and the code that pushes is loaded.
 *
 * @throws {ManifestsError} With code `NOT_FOUND` if it does not exist.
 */
export async function readForEdit(
  runtime: Runtime,
  reference: ImageReference,
  { prepare, ...options }: EditRemoteListOptions & Pick<EditInternals, "prepare">,
): Promise<ReadList | undefined> {
  let read: ReadList | undefined;
  await allOrAbort([
    async (signal) => void (read = await findForEdit(runtime, reference, { ...options, signal })),
    async (signal) => void await prepare?.(signal),
    async () => void await import("../copy/room.ts"),
  ], options.signal);
  return read;
}

async function findForEdit(
  runtime: Runtime,
  reference: ImageReference,
  { create, systemContext, signal }: EditRemoteListOptions,
): Promise<ReadList | undefined> {
  try {
    return await readListWith(runtime, reference, { systemContext, signal });
  } catch (error) {
    if (!isManifestsError(error, "NOT_FOUND")) throw error;
    if (create) return undefined;
    throw new ManifestsError(
      "NOT_FOUND",
      `Cannot edit ${reference}: the list does not exist: create it with compose, or with append --create (create: true): ${error.message}`,
      { cause: error },
    );
  }
}

/** An edit that adds images to a list, and what it needs beforehand. */
export interface Addition extends Required<Pick<EditInternals, "prepare">> {
  /** Adds the images that were read last. */
  readonly edit: (list: List) => void;
}

/** Creates the edit that adds the images of a list that `read` makes for each attempt. */
export function createAddition(read: (signal: AbortSignal) => Promise<List>): Addition {
  let added: List;
  return {
    prepare: async (signal) => void (added = await read(signal)),
    edit: (list) => addWithMarks(list, added),
  };
}

/**
 * Adds the images of another list. Those that the list already has keep the annotation that a push gave to entries of
 * images with zstd layers: adding an image again replaces its entry, and the push leaves images alone that the repository
 * already has.
 */
function addWithMarks(list: List, added: List): void {
  const marked = list.instances().filter((digest) => ZSTD_ANNOTATION in list.annotations(digest));
  list.addInstancesOf(added);
  for (const digest of marked) list.setAnnotations(digest, { [ZSTD_ANNOTATION]: "true" });
}

/** A list keeps its type, unless something was added that only an OCI index can say, or the default would choose it again. */
export function chooseKeptType(list: List, before: ReadList | undefined): string | undefined {
  // Nothing in a list without instances tells its type.
  if (before?.mediaType === MEDIA_TYPES.ociIndex) return list.size === 0 ? MEDIA_TYPES.ociIndex : undefined;
  if (before?.mediaType !== MEDIA_TYPES.dockerList) return undefined;
  const { annotations, artifactType, subject, manifests } = list.ociV1();
  const needsOci = annotations || artifactType || subject ||
    manifests?.some((entry) => entry.annotations || entry.artifactType || entry.data);
  return needsOci ? undefined : MEDIA_TYPES.dockerList;
}
