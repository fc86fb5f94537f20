import { findDamage, findLocalImage, type ImageStore } from "../../store/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { ExitError, formatError } from "../errors.ts";
import { assertFormat, note, printResult, type ResultFormat } from "../output.ts";
import type { Persona } from "../persona.ts";
import { type FoundList, getList } from "./find.ts";

/** Flags of `rm`. */
export interface RmFlags extends ResultFormat {
  ignore?: boolean;
}

/** Runs `rm LIST…`. An error for one list does not stop the others. */
export async function rm(names: string[], flags: RmFlags, context: CommandContext): Promise<void> {
  const { persona, signal } = context;
  assertFormat(flags);
  await using store = await openLocalStore(context);
  const done: DeletedList[] = [];
  const failures: string[] = [];
  let unknown = 0;
  for (const name of names) {
    signal.throwIfAborted();
    try {
      if (await findLocalImage(store, name)) done.push(await deleteList(store, name));
      else if (!flags.ignore) {
        unknown++;
        failures.push(`${name}: image not known`);
      }
    } catch (error) {
      failures.push(formatError(error));
    }
  }
  printResult(flags, done.flatMap((deleted) => formatDeleted(deleted, persona)), done);
  if (failures.length === 0) return;
  throw new ExitError(unknown === failures.length ? persona.unknownExitCode : 125, persona.joinFailures(failures));
}

/** Result of `rm` for one list. */
export interface DeletedList {
  /** Names that were removed from the list. */
  readonly untagged: readonly string[];
  /** Id of the list if it was deleted; `undefined` if it still has another name. */
  readonly deleted?: string;
}

function formatDeleted({ untagged, deleted }: DeletedList, persona: Persona): string[] {
  return [
    ...untagged.map((name) => persona.formatUntagged(name)),
    ...(deleted ? [persona.formatDeleted(deleted)] : []),
  ];
}

/** Gets a list to delete, also a damaged one: deleting is the only use of it. */
async function getListOrDamaged(store: ImageStore, name: string) {
  const found = await findLocalImage(store, name, ["manifest"]);
  const damage = found && findDamage(found);
  if (!found || !damage) return await getList(store, name);
  note(`Warning: deleting list ${JSON.stringify(found.resolvedName)} although ${damage}`);
  return { ...found.image, resolvedName: found.resolvedName };
}

/** Deletes a list, or only the given name if the list has others. */
async function deleteList(store: ImageStore, name: string): Promise<DeletedList> {
  const list = await getListOrDamaged(store, name);
  const { id, names, resolvedName } = list;
  if (choosePart(list) === "name") {
    await store.updateNames(id, "remove", [resolvedName]);
    return { untagged: [resolvedName] };
  }
  await store.deleteImage(id, { ifNames: names });
  return { untagged: names, deleted: id };
}

/**
 * Chooses what to delete of a list: the list, or only the name by which it was found if it has others.
 *
 * @throws {Error} The list was found by its id and has several names.
 */
export function choosePart(
  { id, names, resolvedName }: Pick<FoundList, "id" | "names" | "resolvedName">,
): "name" | "list" {
  if (names.length < 2) return "list";
  if (names.includes(resolvedName)) return "name";
  throw new Error(
    `unable to delete image ${JSON.stringify(id)} by ID with more than one tag ([${
      names.join(" ")
    }]): please force removal`,
  );
}
