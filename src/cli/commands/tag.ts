import { ManifestsError, normalizeLocalName } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { tagImageWith } from "../../actions/room.ts";
import { hasTransport, LOCAL_KIT } from "../../system/local/room.ts";
import { type CommandContext, openStoreOf, type RegistryFlags, systemContextOf } from "../context.ts";
import { printResult, requireFormat, type ResultFormat } from "../output.ts";
import { requireList } from "./find.ts";

/** Flags of `tag`. */
export interface TagFlags extends RegistryFlags, ResultFormat {
  replace?: boolean;
}

/** `tag LIST NAME…` in the store, and `tag docker://IMAGE TAG…` in a registry. */
export async function tag(operands: string[], flags: TagFlags, context: CommandContext): Promise<void> {
  const [source, ...names] = operands as [string, ...string[]];
  requireFormat(flags);
  if (hasTransport(source)) {
    const systemContext = await systemContextOf(flags, context);
    const tagged = await tagImageWith(LOCAL_KIT, source, names, { systemContext, signal: context.signal });
    return printResult(flags, [], tagged);
  }
  await using store = await openStoreOf(context);
  const { id } = await requireList(store, source);
  const full = names.map((name) => String(normalizeLocalName(name)));
  if (!flags.replace) await refuseTaken(store, id, full);
  await store.updateNames(id, "add", full);
  printResult(flags, [], { id, names: full });
}

/** A name is not taken from another image by accident. */
async function refuseTaken(store: ImageStore, id: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const owner = (await store.findImage(name))?.image;
    if (!owner?.names.includes(name) || owner.id === id) continue;
    throw new ManifestsError(
      "NAME_IN_USE",
      `Cannot tag as ${JSON.stringify(name)} belongs to image ${owner.id}: --replace takes it from there`,
    );
  }
}
