import type { List } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf } from "../context.ts";

/** Changes a list of the store as one transaction and returns its id with what the change returned. */
export async function edit<T>(
  context: CommandContext,
  name: string,
  change: (list: List) => T | Promise<T>,
): Promise<{ imageId: string; result: T }> {
  const { editList } = await import("../../system/local/mod.ts");
  const { requireList } = await import("./find.ts");
  await using store = await openStoreOf(context);
  const { id: imageId } = await requireList(store, name);
  const result = await editList(store, imageId, change, { signal: context.signal });
  return { imageId, result };
}
