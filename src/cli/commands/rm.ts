import { findLocalImage, type ImageStore } from "../../store/mod.ts";
import { type CommandContext, openStoreOf, print } from "../context.ts";
import { ExitError, formatError } from "../errors.ts";
import { requireList } from "./find.ts";

/** Flags of `rm`. */
export interface RmFlags {
  ignore?: boolean;
}

/** `rm LIST…`: each on its own; those that can be deleted are, whatever happens to the others. */
export async function rm(names: string[], flags: RmFlags, context: CommandContext): Promise<void> {
  await using store = await openStoreOf(context);
  const failures: string[] = [];
  let unknown = 0;
  for (const name of names) {
    try {
      if (await findLocalImage(store, name)) await deleteList(store, name);
      else if (!flags.ignore) {
        unknown++;
        failures.push(`${name}: image not known`);
      }
    } catch (error) {
      failures.push(formatError(error));
    }
  }
  if (failures.length === 0) return;
  throw new ExitError(unknown === failures.length ? 1 : 125, failures.join("; "));
}

/** Deletes a list, or, where it has other names and was called by one, only that name. */
export async function deleteList(store: ImageStore, name: string): Promise<void> {
  const { id, names, resolvedName } = await requireList(store, name);
  const byName = names.includes(resolvedName);
  if (byName && names.length > 1) {
    await store.updateNames(id, "remove", [resolvedName]);
    return print(`Untagged: ${resolvedName}`);
  }
  if (!byName && names.length > 1) {
    throw new Error(
      `unable to delete image ${JSON.stringify(id)} by ID with more than one tag ([${
        names.join(" ")
      }]): please force removal`,
    );
  }
  await store.deleteImage(id, { ifNames: names });
  for (const untagged of names) print(`Untagged: ${untagged}`);
  print(`Deleted: ${id}`);
}
