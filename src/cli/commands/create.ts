import { guessMediaType, isManifestsError, MEDIA_TYPES, normalizeLocalName } from "../../spec/room.ts";
import { damagedList, findDamage, type ImageStore, type ImageWithData, isListRecord } from "../../store/room.ts";
import { editStoredList, HostlessList, type List } from "../../list/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { prefixError, UsageError } from "../errors.ts";
import { parseAnnotations } from "../flags.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";
import type { SourceFlags } from "./sources.ts";

/** Flags of `create`. */
export interface CreateFlags extends SourceFlags, ResultFormat {
  amend?: boolean;
  replace?: boolean;
  annotation?: string[];
}

/** Runs `create LIST [IMAGE…]`. All images are read before anything is saved. */
export async function create(operands: string[], flags: CreateFlags, context: CommandContext): Promise<void> {
  const [name, ...images] = operands as [string, ...string[]];
  assertFormat(flags);
  if (flags.amend && flags.replace) throw new UsageError("amend and replace are mutually exclusive");
  const fullName = normalizeName(name, context);
  const annotations = parseAnnotations(flags.annotation, (pair) => context.persona.formatBadAnnotation(pair, "list"));
  await using store = await openLocalStore(context);
  const id = await save(store, fullName, annotations, { images, flags, context });
  printResult(flags, [id], { id, name: fullName });
}

/** Images to add, with the flags and the context of the call. */
interface CreateRequest {
  images: readonly string[];
  flags: CreateFlags;
  context: CommandContext;
}

async function save(
  store: ImageStore,
  name: string,
  annotations: Record<string, string>,
  request: CreateRequest,
): Promise<string> {
  const { amend, replace } = request.flags;
  const fill = (list: List, images: readonly string[]) => fillList(store, list, images, annotations, request);
  const edit = async (id: string) => {
    const { load } = await chooseListKind(request.images);
    await editStoredList(store, id, load, (list) => fill(list, request.images), { signal: request.context.signal });
    return id;
  };
  const owner = await findOwner(store, name);
  const damage = amend && owner ? findDamage(owner) : undefined;
  if (damage) throw damagedList(name, damage);
  if (amend && owner && isListRecord(owner)) return await edit(owner.image.id);
  // Checked before any image is read, so that the error appears at once.
  if (owner && !replace && !amend) throw createNameTakenError(name, owner.image.id);
  // With --amend, an image that has the name becomes the first instance of the new list.
  const images = owner && !replace ? [owner.image.id, ...request.images] : request.images;
  const list = (await chooseListKind(images)).create();
  await fill(list, images);
  if (owner) {
    // Saved without a name first, so that the name moves from its owner to the list in one step.
    const id = await list.saveToImage(store, { mimeType: replace ? undefined : chooseListType(owner) });
    await store.updateNames(id, "add", [name]);
    return id;
  }
  try {
    return await list.saveToImage(store, { names: [name] });
  } catch (error) {
    // Another process can have created the list at the same time. With --amend, the images are added to it.
    const winner = amend && isManifestsError(error, "NAME_IN_USE") ? await findOwner(store, name) : undefined;
    if (!winner || !isListRecord(winner)) throw error;
    return await edit(winner.image.id);
  }
}

/** Chooses the class of the list. Without images, the code that reads images is not loaded. */
async function chooseListKind(images: readonly string[]): Promise<{
  create(): List;
  load(store: ImageStore, image: string): Promise<{ imageId: string; list: List }>;
}> {
  if (images.length === 0) return { create: () => new HostlessList(), load: HostlessList.load };
  const { create, loadFromImage } = await import("../../system/local/room.ts");
  return { create, load: loadFromImage };
}

async function fillList(
  store: ImageStore,
  list: List,
  images: readonly string[],
  annotations: Record<string, string>,
  { flags, context }: CreateRequest,
): Promise<void> {
  if (images.length > 0) {
    const { addSources, findSources } = await import("./sources.ts");
    await addSources(list, await findSources(store, images, flags), flags, context);
  }
  if (Object.keys(annotations).length > 0) list.setAnnotations(undefined, annotations);
}

function normalizeName(name: string, { persona }: CommandContext): string {
  if (name === "" && persona.name === "podman") throw new UsageError("no name specified for creating a manifest list");
  try {
    return String(normalizeLocalName(name));
  } catch (error) {
    throw prefixError(persona.getNamePrefix(name), error);
  }
}

async function findOwner(store: ImageStore, name: string): Promise<ImageWithData | undefined> {
  const found = await store.findImage(name, ["manifest"]);
  return found?.image.names.includes(name) ? found : undefined;
}

function getManifestType({ data }: ImageWithData): string {
  const manifest = data.get("manifest");
  return manifest ? guessMediaType(manifest) : "";
}

/** Chooses the type of a list to which an image is converted: that of the same format. */
function chooseListType(owner: ImageWithData): string {
  return getManifestType(owner) === MEDIA_TYPES.dockerManifest ? MEDIA_TYPES.dockerList : MEDIA_TYPES.ociIndex;
}

function createNameTakenError(name: string, id: string): Error {
  return new Error(
    `image name ${JSON.stringify(name)} is already associated with image ${
      JSON.stringify(id)
    }: that name is already in use (use --amend to add to it, or --replace to take the name)`,
  );
}
