import { isManifestsError, normalizeLocalName } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { createStoredListWith, type List, OfflineList } from "../../list/room.ts";
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
  const { flags: { amend, replace }, context: { signal } } = request;
  // With --amend, an image that has the name becomes the first instance of the new list.
  const listImages = (base: string | undefined) => base === undefined ? request.images : [base, ...request.images];
  const maker = {
    create: async (base: string | undefined) => (await chooseListKind(listImages(base))).create(),
    load: async (store: ImageStore, id: string) => await (await chooseListKind(request.images)).load(store, id),
    fill: (list: List, base: string | undefined) => fillList(store, list, listImages(base), annotations, request),
  };
  try {
    return await createStoredListWith(store, name, maker, { amend, replace, signal });
  } catch (error) {
    throw isManifestsError(error, "NAME_IN_USE") ? explainNameInUse(error) : error;
  }
}

/** Chooses the class of the list. Without images, the code that reads images is not loaded. */
async function chooseListKind(images: readonly string[]): Promise<{
  create(): List;
  load(store: ImageStore, image: string): Promise<{ imageId: string; list: List }>;
}> {
  if (images.length === 0) return { create: () => new OfflineList(), load: OfflineList.load };
  const { create, loadFromImage } = await import("../on_demand/lists.ts");
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

/** Adds the next step to an error about a name that is taken. The rest is the message of podman and buildah. */
function explainNameInUse({ message }: Error): Error {
  const reason = message.replace(/^Cannot create image: /, "");
  return new Error(`${reason} (use --amend to add to it, or --replace to take the name)`);
}
