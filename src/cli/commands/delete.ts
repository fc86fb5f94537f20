import { deleteImageOrName } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, type RegistryFlags, resolvePlace } from "../context.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";

/** Flags of `delete`. */
export interface DeleteFlags extends RegistryFlags, ResultFormat {
  manifest?: boolean;
}

/** Runs `delete IMAGE…`, which deletes tags or manifests in registries, and images or names in local stores. */
export async function deleteImages(names: string[], flags: DeleteFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  const systemContext = await createSystemContext(flags, context);
  for (const name of names) {
    const { digest, keptNames } = await deleteImageOrName(await resolvePlace(name, context), {
      manifest: flags.manifest,
      systemContext,
      signal: context.signal,
    });
    const line = keptNames.length === 0
      ? `Deleted: ${name} (${digest})`
      : `Untagged: ${name} (${digest}), which is still named ${keptNames.join(", ")}`;
    printResult(flags, [line], { name, digest, ...(keptNames.length === 0 ? {} : { keptNames }) });
  }
}
