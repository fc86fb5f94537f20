import { normalizeLocalName } from "../../spec/mod.ts";
import { create as createList, editList, type List } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, print, type RegistryFlags, systemContextOf } from "../context.ts";
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
  const systemContext = systemContextOf(flags);
  const fill = async (list: List) => {
    for (const image of images) await list.add(image, { all: flags.all, systemContext, signal: context.signal });
    if (Object.keys(annotations).length > 0) list.setAnnotations(undefined, annotations);
  };
  await using store = await openStoreOf(context);
  const owner = (await store.findImage(fullName))?.image;
  const taken = owner?.names.includes(fullName) ? owner : undefined;
  if (flags.amend && taken) {
    await editList(store, taken.id, fill, { signal: context.signal });
    return print(taken.id);
  }
  const list = createList();
  await fill(list);
  if (!flags.replace || !taken) return print(await list.saveToImage(store, { names: [fullName] }));
  // Saved without a name first: the name moves in one step, or stays where it is.
  const id = await list.saveToImage(store);
  await store.updateNames(id, "add", [fullName]);
  print(id);
}
