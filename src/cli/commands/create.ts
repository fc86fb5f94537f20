import { guessMediaType, isIndexMediaType, isManifestsError, MEDIA_TYPES, normalizeLocalName } from "../../spec/mod.ts";
import type { ImageStore, ImageWithData } from "../../store/mod.ts";
import { create as createList, editList, findSource, type FoundSource, type List } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf } from "../context.ts";
import { prefixError, UsageError } from "../errors.ts";
import { parseAnnotations } from "../flags.ts";
import { printResult, requireFormat, type ResultFormat } from "../output.ts";
import { addSources, findSources, type SourceFlags } from "./sources.ts";

/** Flags of `create`. */
export interface CreateFlags extends SourceFlags, ResultFormat {
  amend?: boolean;
  replace?: boolean;
  annotation?: string[];
}

/** `create LIST [IMAGE…]`: all images are read before anything is saved. */
export async function create(operands: string[], flags: CreateFlags, context: CommandContext): Promise<void> {
  const [name, ...images] = operands as [string, ...string[]];
  requireFormat(flags);
  if (flags.amend && flags.replace) throw new UsageError("amend and replace are mutually exclusive");
  const fullName = normalizeName(name, context);
  const annotations = parseAnnotations(flags.annotation);
  await using store = await openStoreOf(context);
  const sources = await findSources(store, images, flags);
  const fill = async (list: List, first: readonly FoundSource[] = []) => {
    await addSources(list, [...first, ...sources], flags, context);
    if (Object.keys(annotations).length > 0) list.setAnnotations(undefined, annotations);
  };
  const id = await save(store, fullName, fill, flags, context);
  printResult(flags, [id], { id, name: fullName });
}

type Fill = (list: List, first?: readonly FoundSource[]) => Promise<void>;

async function save(
  store: ImageStore,
  name: string,
  fill: Fill,
  { amend, replace }: CreateFlags,
  { signal }: CommandContext,
): Promise<string> {
  const edit = async (id: string) => {
    await editList(store, id, (list) => fill(list), { signal });
    return id;
  };
  const owner = await findOwner(store, name);
  if (amend && owner && isList(owner)) return await edit(owner.image.id);
  // Before anything is read: a name that is taken stays so.
  if (owner && !replace && !amend) throw nameTaken(name, owner.image.id);
  const list = createList();
  if (owner && !replace) {
    // What has the name is an image: it becomes the first one of a list that takes its name.
    await fill(list, [{ ...await findSource(store, owner.image.id), name }]);
  } else await fill(list);
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
    if (!winner || !isList(winner)) throw error;
    return await edit(winner.image.id);
  }
}

function normalizeName(name: string, { persona }: CommandContext): string {
  if (name === "" && persona.name === "podman") throw new UsageError("no name specified for creating a manifest list");
  try {
    return String(normalizeLocalName(name));
  } catch (error) {
    throw prefixError(persona.namePrefix(name), error);
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

function isList(owner: ImageWithData): boolean {
  return isIndexMediaType(manifestTypeOf(owner));
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
