import { deleteImageOrName } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, type RegistryFlags, resolvePlace } from "../context.ts";
import { formatError } from "../errors.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";

/** Flags of `delete`. */
export interface DeleteFlags extends RegistryFlags, ResultFormat {
  manifest?: boolean;
}

/**
 * Runs `delete IMAGE…`, which deletes tags or manifests in registries, and images or names in local stores. An error for
 * one image does not stop the others.
 */
export async function deleteImages(names: string[], flags: DeleteFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  const systemContext = await createSystemContext(flags, context);
  const failures: string[] = [];
  for (const name of names) {
    try {
      const { digest, keptNames } = await deleteImageOrName(await resolvePlace(name, context), {
        manifest: flags.manifest,
        systemContext,
        signal: context.signal,
      });
      const line = keptNames.length === 0
        ? `Deleted: ${name} (${digest})`
        : `Untagged: ${name} (${digest}), which is still named ${keptNames.join(", ")}`;
      printResult(flags, [line], { name, digest, ...(keptNames.length === 0 ? {} : { keptNames }) });
    } catch (error) {
      context.signal.throwIfAborted();
      if (names.length === 1) throw error;
      failures.push(formatError(error));
    }
  }
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${names.length} images were not deleted: ${failures.join("; ")}`);
  }
}
