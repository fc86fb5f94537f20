import type { CopyResult } from "../copy/room.ts";
import type { ImageReference } from "../image/room.ts";
import { repeatWhileLost } from "../internal/room.ts";
import type { List } from "../list/room.ts";
import { type Digest, isManifestsError, manifestDigest } from "../spec/room.ts";
import { createMemoryStore } from "../store/room.ts";
import { chooseKeptType, type EditRemoteListOptions, findList, listMissing } from "./edit_remote_list.ts";
import { collectFacts, compareFacts } from "./index_facts.ts";
import { keepConnection } from "./keep_connection.ts";
import { type ReadList, readListWith } from "./read_list.ts";
import { resolveImage, type Runtime } from "./runtime.ts";
import { tagImageWith } from "./tag_image.ts";

/** A list with an edit that was not written. */
export interface EditedList {
  /** Bytes of the index that the edit would write. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Digest that the index would have. */
  readonly digest: Digest;
  /** `true` if the edit changes nothing, so that nothing would be written; otherwise absent. */
  readonly unchanged?: true | undefined;
}

/**
 * Reads an index and edits it without writing anything.
 *
 * @throws {ManifestsError} With the codes of `readList`, and those of the edit.
 */
export async function previewEditWith(
  runtime: Runtime,
  image: string | ImageReference,
  edit: (list: List) => unknown,
  options: EditRemoteListOptions = {},
): Promise<EditedList> {
  const reference = resolveImage(runtime, image);
  const { before, list, isChanged } = await readAndEdit(runtime, reference, edit, options);
  const bytes = list.serialize(chooseKeptType(list, before) ?? list.preferredMediaType);
  return isChanged || !before
    ? { bytes, digest: manifestDigest(bytes) }
    : { bytes, digest: before.digest, unchanged: true };
}

/**
 * Reads an index, edits it, and writes the result under another name. The name that was read keeps its index.
 *
 * @throws {ManifestsError} With the codes of `editRemoteList`.
 */
export async function deriveListWith(
  runtime: Runtime,
  image: string | ImageReference,
  target: string | ImageReference,
  edit: (list: List) => unknown,
  options: EditRemoteListOptions = {},
): Promise<CopyResult> {
  const [from, to] = [resolveImage(runtime, image), resolveImage(runtime, target)];
  const { create: _, maxAttempts, ...push } = options;
  const { systemContext, signal } = push;
  await using _from = await keepConnection(from, systemContext);
  await using _to = await keepConnection(to, systemContext);
  return await repeatWhileLost(async () => {
    const ifMatch = await findCondition(to, options);
    const { before, list, isChanged } = await readAndEdit(runtime, from, edit, options);
    const missing = listMissing(to, list);
    if (before && !isChanged && missing.length === 0 && to.dockerReference?.tag !== undefined) {
      // The index itself gets the name, byte by byte.
      const { name, tag } = to.dockerReference;
      const tagged = await tagImageWith(runtime, `docker://${name}@${before.digest}`, [tag], { systemContext, signal });
      return { ...tagged, mediaType: before.mediaType, instances: new Map(list.instances().map((it) => [it, it])) };
    }
    await using store = createMemoryStore();
    await list.saveToImage(store, { mimeType: chooseKeptType(list, before) });
    return await list.push(to, { ...push, imageListSelection: "specific", instances: missing, store, ifMatch });
  }, { isLost: (error) => isManifestsError(error, "CONFLICT"), maxAttempts, signal });
}

/** Returns the digest that a tag has, as the condition for its write; `null` if it does not exist. */
async function findCondition(
  to: ImageReference,
  { systemContext, signal }: EditRemoteListOptions,
): Promise<Digest | null | undefined> {
  if (to.transport !== "docker") return undefined;
  await using destination = await to.openDestination(systemContext);
  return await destination.findManifest?.({ signal }) ?? null;
}

async function readAndEdit(
  runtime: Runtime,
  reference: ImageReference,
  edit: (list: List) => unknown,
  { create, systemContext, signal }: EditRemoteListOptions,
): Promise<{ before: ReadList | undefined; list: List; isChanged: boolean }> {
  const before = create
    ? await findList(runtime, reference, { systemContext, signal })
    : await readListWith(runtime, reference, { systemContext, signal });
  const list = before?.list ?? runtime.createList();
  const facts = collectFacts(list);
  await edit(list);
  return { before, list, isChanged: compareFacts(facts, collectFacts(list)).size > 0 };
}
