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

/** `create LIST [IMAGE…]`: all images are read before anything is saved. */
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

interface Wanted {
  images: readonly string[];
  flags: CreateFlags;
  context: CommandContext;
}

async function save(
  store: ImageStore,
  name: string,
  annotations: Record<string, string>,
  wanted: Wanted,
): Promise<string> {
  const { amend, replace } = wanted.flags;
  const fill = (list: List, images: readonly string[]) => fillList(store, list, images, annotations, wanted);
  const edit = async (id: string) => {
    const { load } = await kindOfList(wanted.images);
    await editStoredList(store, id, load, (list) => fill(list, wanted.images), { signal: wanted.context.signal });
    return id;
  };
  const owner = await findOwner(store, name);
  const damage = amend && owner ? findDamage(owner) : undefined;
  if (damage) throw damagedList(name, damage);
  if (amend && owner && isListRecord(owner)) return await edit(owner.image.id);
  // Before anything is read: a name that is taken stays so.
  if (owner && !replace && !amend) throw nameTaken(name, owner.image.id);
  // An image that has the name becomes the first one of a list that takes its name.
  const images = owner && !replace ? [owner.image.id, ...wanted.images] : wanted.images;
  const list = (await kindOfList(images)).create();
  await fill(list, images);
  if (owner) {
    // Saved without a name first: the name moves in one step, or stays where it is.
    const id = await list.saveToImage(store, { mimeType: replace ? undefined : listTypeOf(owner) });
    await store.updateNames(id, "add", [name]);
    return id;
  }
  try {
    return await list.saveToImage(store, { names: [name] });
  } catch (error) {
    // Others may have created the list meanwhile; whoever amends adds to theirs.
    const winner = amend && isManifestsError(error, "NAME_IN_USE") ? await findOwner(store, name) : undefined;
    if (!winner || !isListRecord(winner)) throw error;
    return await edit(winner.image.id);
  }
}

/** What a list must be able to do. Without images, nothing of what reaches them is loaded. */
async function kindOfList(images: readonly string[]): Promise<{
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
  { flags, context }: Wanted,
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

function manifestTypeOf({ data }: ImageWithData): string {
  const manifest = data.get("manifest");
  return manifest ? guessMediaType(manifest) : "";
}

/** A list that an image becomes has the type that belongs to the image's. */
function listTypeOf(owner: ImageWithData): string {
  return manifestTypeOf(owner) === MEDIA_TYPES.dockerManifest ? MEDIA_TYPES.dockerList : MEDIA_TYPES.ociIndex;
}

function nameTaken(name: string, id: string): Error {
  return new Error(
    `image name ${JSON.stringify(name)} is already associated with image ${
      JSON.stringify(id)
    }: that name is already in use (--amend adds to it, --replace takes the name)`,
  );
}
