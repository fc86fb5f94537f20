import { deleteUnchangedList, type PushOptions } from "../../list/room.ts";
import { loadFromImage } from "../../system/local/room.ts";
import { describeCopies } from "../ci/copied.ts";
import { type ReportFlags, withReports } from "../ci/report.ts";
import { type CommandContext, openLocalStore, resolvePlace } from "../context.ts";
import { loadPolicyOption } from "../engine_options.ts";
import { prefixError, UsageError } from "../errors.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { type CopyingFlags, createCopyOptions } from "../transfer_options.ts";
import { getList } from "./find.ts";
import { printCopied, printOutline } from "./outline.ts";
import { choosePart } from "./rm.ts";

/** Flags of `push`. */
export interface PushFlags extends CopyingFlags, ProgressFlags, ReportFlags {
  rm?: boolean;
  dryRun?: boolean;
}

/** Runs `push LIST [DESTINATION]`. The default destination is the registry in the name of the list. */
export async function push(operands: string[], flags: PushFlags, context: CommandContext): Promise<void> {
  const [name, given] = operands as [string, string?];
  const transfer = await createCopyOptions(flags, context);
  await using store = await openLocalStore(context);
  const found = await getList(store, name).catch((error) => {
    throw prefixError(context.persona.getPushPrefix(name), error);
  });
  const { id, resolvedName } = found;
  // A list that cannot be deleted afterwards is not pushed.
  const deleted = flags.rm ? choosePart(found) : undefined;
  const destination = given ?? getDefaultDestination(resolvedName);
  const place = await resolvePlace(destination, context);
  const { list } = await loadFromImage(store, id);
  const imageListSelection = flags.all ?? true ? "all" : "specific";
  const policy = await loadPolicyOption(flags, transfer.systemContext, context);
  const options: PushOptions = { store, ...transfer, ...policy, imageListSelection };
  if (flags.dryRun) return printOutline(flags, destination, await list.outlinePush(place, options));
  const result = await withReports(
    flags,
    context,
    () => withProgress(flags, (view) => list.push(place, { ...options, ...view })),
    (result) => describeCopies([destination], [result], transfer),
  );
  if (deleted === "list") await deleteUnchangedList(store, found, found.manifestDigest, { signal: context.signal });
  if (deleted === "name") await store.updateNames(id, "remove", [resolvedName]);
  printCopied(flags, result, context.persona.name);
}

/**
 * Returns the destination in the name of a list.
 *
 * @throws {UsageError} The name does not contain a registry.
 */
function getDefaultDestination(name: string): string {
  if (!name.includes("/") || name.startsWith("localhost/")) {
    throw new UsageError(
      `Cannot push ${JSON.stringify(name)}: the name does not contain a registry; give a DESTINATION`,
    );
  }
  return name;
}
