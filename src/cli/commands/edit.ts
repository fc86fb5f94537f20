import type { ImageStore } from "../../store/room.ts";
import type { List } from "../../system/local/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";

/** Changes a list of the store as one transaction and returns its id with what the change returned. */
export async function edit<T>(
  context: CommandContext,
  name: string,
  change: (list: List, store: ImageStore) => T | Promise<T>,
): Promise<{ imageId: string; result: T }> {
  const { editList } = await import("../../system/local/room.ts");
  const { getList } = await import("./find.ts");
  await using store = await openLocalStore(context);
  const { id: imageId } = await getList(store, name);
  const result = await editList(store, imageId, (list) => change(list, store), { signal: context.signal });
  return { imageId, result };
}

/** What else flags of `add`, `append` and `annotate` say about an instance. */
export interface DetailFlags {
  features?: string[];
}

/** Sets what the flags say about an instance; empty ones say nothing. */
export function setDetails(
  list: List,
  digest: string,
  { features }: DetailFlags,
  annotations: Record<string, string>,
): void {
  if (features?.length) list.setFeatures(digest, features);
  list.setAnnotations(digest, annotations);
}
