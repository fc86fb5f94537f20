import type { ImageStore } from "../../store/room.ts";
import type { List } from "../../system/local/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";

/** Changes a list in the local store as one transaction. Returns its id and the result of the change. */
export async function edit<T>(
  context: CommandContext,
  name: string,
  change: (list: List, store: ImageStore) => T | Promise<T>,
): Promise<{ imageId: string; result: T }> {
  const { editList } = await import("../on_demand/lists.ts");
  const { getList } = await import("./find.ts");
  await using store = await openLocalStore(context);
  const { id: imageId } = await getList(store, name);
  const result = await editList(store, imageId, (list) => change(list, store), { signal: context.signal });
  return { imageId, result };
}

/** Flags of `add`, `append` and `annotate` for further members of an instance. */
export interface DetailFlags {
  features?: string[];
}

/** Sets the features and annotations of an instance. Empty ones change nothing. */
export function setDetails(
  list: List,
  digest: string,
  { features }: DetailFlags,
  annotations: Record<string, string>,
): void {
  if (features?.length) list.setFeatures(digest, features);
  list.setAnnotations(digest, annotations);
}
