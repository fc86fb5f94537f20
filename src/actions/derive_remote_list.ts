import type { CopyResult } from "../copy/room.ts";
import type { ImageReference } from "../image/room.ts";
import { repeatWhileLost } from "../internal/room.ts";
import type { List } from "../list/room.ts";
import { type Digest, isManifestsError, manifestDigest, MEDIA_TYPES, ZSTD_ANNOTATION } from "../spec/room.ts";
import { createMemoryStore } from "../store/room.ts";
import {
  chooseKeptType,
  type EditInternals,
  type EditRemoteListOptions,
  listCopied,
  listMissing,
  readForEdit,
} from "./edit_remote_list.ts";
import { findZstd } from "./find_zstd.ts";
import { collectFacts, compareFacts } from "./index_facts.ts";
import { keepConnection } from "./keep_connection.ts";
import type { ReadList } from "./read_list.ts";
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

/** Options for {@linkcode previewEditWith}. */
interface PreviewOptions extends EditRemoteListOptions, EditInternals {
  /** Name under which the edited list would be written. Default: the name that is read. */
  readonly target?: string | undefined;
}

/**
 * Reads an index and edits it without writing anything. Layers that would be compressed on the way are not: the manifests
 * of such images, and so their digests, are still the old ones.
 *
 * @throws {ManifestsError} With the codes of `readList`, and those of the edit.
 */
export async function previewEditWith(
  runtime: Runtime,
  image: string | ImageReference,
  edit: (list: List) => unknown,
  { target, ...options }: PreviewOptions = {},
): Promise<EditedList> {
  const reference = resolveImage(runtime, image);
  const to = target === undefined ? reference : resolveImage(runtime, target);
  const { before, list, existing, isChanged } = await readAndEdit(runtime, reference, edit, options);
  const missing = listMissing(to, list), isMoved = String(existing) !== String(list.instances());
  const isSame = !isChanged && (target === undefined ? options.ignoreOrder || !isMoved : missing.length === 0);
  if (before && isSame) return { bytes: before.bytes, digest: before.digest, unchanged: true };
  const type = chooseKeptType(list, before) ?? list.preferredMediaType;
  const instances = listCopied(to, list, existing, options);
  const { systemContext, signal, signaturePolicy } = options;
  if (signaturePolicy) {
    // Reads the images as a push would do, which checks the policy.
    const checks = { systemContext, signal, signaturePolicy, instances, imageListSelection: "specific" } as const;
    await list.outlinePush(to, checks);
  }
  // The entries of a Docker list have no annotations.
  const marked = type === MEDIA_TYPES.ociIndex ? await findZstd(list, instances, { systemContext, signal }) : [];
  for (const instance of marked) list.setAnnotations(instance, { [ZSTD_ANNOTATION]: "true" });
  const bytes = list.serialize(type);
  return { bytes, digest: manifestDigest(bytes) };
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
  options: EditRemoteListOptions & Pick<EditInternals, "prepare"> = {},
): Promise<CopyResult> {
  const [from, to] = [resolveImage(runtime, image), resolveImage(runtime, target)];
  const { create: _, maxAttempts, prepare: __, ...push } = options;
  const { systemContext, signal } = push;
  await using _from = await keepConnection(from, systemContext);
  await using _to = await keepConnection(to, systemContext);
  return await repeatWhileLost(async () => {
    const ifMatch = await findCondition(to, options);
    const { before, list, existing, isChanged } = await readAndEdit(runtime, from, edit, options);
    const missing = listMissing(to, list);
    if (before && !isChanged && missing.length === 0 && to.dockerReference?.tag !== undefined) {
      // The index itself gets the name, byte by byte.
      const { name, tag } = to.dockerReference;
      const tagged = await tagImageWith(runtime, `docker://${name}@${before.digest}`, [tag], { systemContext, signal });
      return { ...tagged, mediaType: before.mediaType, instances: new Map(list.instances().map((it) => [it, it])) };
    }
    const instances = listCopied(to, list, existing, options);
    await using store = createMemoryStore();
    await list.saveToImage(store, { mimeType: chooseKeptType(list, before) });
    return await list.push(to, { ...push, imageListSelection: "specific", instances, store, ifMatch });
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
  options: EditRemoteListOptions & Pick<EditInternals, "prepare">,
): Promise<{ before: ReadList | undefined; list: List; existing: readonly Digest[]; isChanged: boolean }> {
  const before = await readForEdit(runtime, reference, options);
  const list = before?.list ?? runtime.createList();
  const facts = collectFacts(list), existing = list.instances();
  await edit(list);
  return { before, list, existing, isChanged: compareFacts(facts, collectFacts(list)).size > 0 };
}
