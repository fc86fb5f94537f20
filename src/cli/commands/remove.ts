import { findInstance } from "../../system/local/room.ts";
import type { CommandContext } from "../context.ts";
import { prefixError } from "../errors.ts";
import { printResult, requireFormat, type ResultFormat } from "../output.ts";
import { edit } from "./edit.ts";

/** `remove LIST INSTANCE`. */
export async function remove(operands: string[], flags: ResultFormat, context: CommandContext): Promise<void> {
  const [name, instance] = operands as [string, string];
  requireFormat(flags);
  const { imageId, result } = await edit(context, name, async (list, store) => {
    try {
      const digest = await findInstance(list, instance, { store, signal: context.signal });
      list.remove(digest);
      return digest;
    } catch (error) {
      throw prefixError(context.persona.removePrefix(name), error);
    }
  });
  printResult(flags, [context.persona.changed(imageId, result)], { id: imageId, instance: result });
}
