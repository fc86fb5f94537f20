import { deleteImage } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, type RegistryFlags, resolvePlace } from "../context.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";

/** Flags of `delete`. */
export interface DeleteFlags extends RegistryFlags, ResultFormat {
  manifest?: boolean;
}

/** Runs `delete IMAGE…`, which deletes tags or manifests in registries, and images in local stores. */
export async function deleteImages(names: string[], flags: DeleteFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  const systemContext = await createSystemContext(flags, context);
  for (const name of names) {
    const digest = await deleteImage(await resolvePlace(name, context), {
      manifest: flags.manifest,
      systemContext,
      signal: context.signal,
    });
    printResult(flags, [`Deleted: ${name} (${digest})`], { name, digest });
  }
}
