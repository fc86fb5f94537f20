import { isManifestsError, normalizeLocalName } from "../../spec/mod.ts";
import type { ImageStore, StoredImage } from "../../store/mod.ts";
import { create as createList, editList, type List } from "../../system/local/mod.ts";
import { type CommandContext, imageIn, openStoreOf, print, type RegistryFlags, systemContextOf } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseAnnotations } from "../flags.ts";

/** Flags of `create`. */
export interface CreateFlags extends RegistryFlags {
  all: boolean;
  amend?: boolean;
  replace?: boolean;
  annotation?: string[];
}

/** `create LIST [IMAGE…]`: all images are read before anything is saved. */
export async function create(args: string[], flags: CreateFlags, context: CommandContext): Promise<void> {
  const [name, ...images] = args as [string, ...string[]];
  if (flags.amend && flags.replace) throw new UsageError("amend and replace are mutually exclusive");
  const fullName = String(normalizeLocalName(name));
  const annotations = parseAnnotations(flags.annotation);
  const systemContext = systemContextOf(flags, context);
  await using store = await openStoreOf(context);
  const fill = async (list: List) => {
    for (const image of images) {
      await list.add(imageIn(store, image), { all: flags.all, systemContext, signal: context.signal });
    }
    if (Object.keys(annotations).length > 0) list.setAnnotations(undefined, annotations);
  };
  const edit = async (id: string) => {
    await editList(store, id, fill, { signal: context.signal });
    print(id);
  };
  const owner = await findOwner(store, fullName);
  if (flags.amend && owner) return await edit(owner.id);
  // Before anything is read: a name that is taken stays so.
  if (owner && !flags.replace) throw nameTaken(fullName, owner.id);
  const list = createList();
  await fill(list);
  if (flags.replace && owner) {
    // Saved without a name first: the name moves in one step, or stays where it is.
    const id = await list.saveToImage(store);
    await store.updateNames(id, "add", [fullName]);
    return print(id);
  }
  try {
    print(await list.saveToImage(store, { names: [fullName] }));
  } catch (error) {
    // Others may have created the list meanwhile; whoever amends adds to theirs.
    const winner = flags.amend && isManifestsError(error, "NAME_IN_USE") && await findOwner(store, fullName);
    if (!winner) throw error;
    await edit(winner.id);
  }
}

async function findOwner(store: ImageStore, name: string): Promise<StoredImage | undefined> {
  const found = await store.findImage(name);
  return found?.image.names.includes(name) ? found.image : undefined;
}

function nameTaken(name: string, id: string): Error {
  return new Error(
    `image name ${JSON.stringify(name)} is already associated with image ${
      JSON.stringify(id)
    }: that name is already in use`,
  );
}
