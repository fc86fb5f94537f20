import { ManifestsError, normalizeLocalName } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { tagImageWith } from "../../actions/room.ts";
import { hasTransport, LOCAL_RUNTIME } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, openLocalStore, type RegistryFlags } from "../context.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";
import { getImage } from "./find.ts";

/** Flags of `tag`. */
export interface TagFlags extends RegistryFlags, ResultFormat {
  replace?: boolean;
}

/** Runs `tag IMAGE NAME…` in the local store, for lists and images, and `tag docker://IMAGE TAG…` in a registry. */
export async function tag(operands: string[], flags: TagFlags, context: CommandContext): Promise<void> {
  const [source, ...names] = operands as [string, ...string[]];
  assertFormat(flags);
  if (hasTransport(source)) {
    const systemContext = await createSystemContext(flags, context);
    const tagged = await tagImageWith(LOCAL_RUNTIME, source, names, { systemContext, signal: context.signal });
    return printResult(flags, [], tagged);
  }
  await using store = await openLocalStore(context);
  const { id } = await getImage(store, source);
  const full = names.map((name) => String(normalizeLocalName(name)));
  if (!flags.replace) await assertNamesFree(store, id, full);
  await store.updateNames(id, "add", full);
  printResult(flags, [], { id, names: full });
}

/** Checks that no name belongs to another image. */
async function assertNamesFree(store: ImageStore, id: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const owner = (await store.findImage(name))?.image;
    if (!owner?.names.includes(name) || owner.id === id) continue;
    throw new ManifestsError(
      "NAME_IN_USE",
      `Cannot add name ${JSON.stringify(name)}: it belongs to image ${owner.id}; use --replace to move it`,
    );
  }
}
