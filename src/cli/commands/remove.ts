import { findInstance } from "../../system/local/room.ts";
import type { CommandContext } from "../context.ts";
import { prefixError } from "../errors.ts";
import { assertFormat, note, printResult, type ResultFormat } from "../output.ts";
import { edit } from "./edit.ts";

/** Runs `remove LIST INSTANCE`. */
export async function remove(operands: string[], flags: ResultFormat, context: CommandContext): Promise<void> {
  const [name, instance] = operands as [string, string];
  assertFormat(flags);
  const { imageId, result } = await edit(context, name, async (list, store) => {
    try {
      const digest = await findInstance(list, instance, { store, signal: context.signal });
      if (context.persona.removesAttestations) return { digest, attestations: list.removeWithAttestations([digest]) };
      list.remove(digest);
      return { digest, attestations: [] };
    } catch (error) {
      throw prefixError(context.persona.getRemovePrefix(name), error);
    }
  });
  const { digest, attestations } = result;
  noteRemoved(attestations);
  printResult(flags, [context.persona.formatChanged(imageId, digest)], {
    id: imageId,
    instance: digest,
    ...(attestations.length > 0 ? { attestations } : {}),
  });
}

/** Prints on stderr which attestations were removed with their images. */
export function noteRemoved(attestations: readonly string[]): void {
  for (const digest of attestations) note(`also removed attestation ${digest}`);
}
