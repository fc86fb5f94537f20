import { type CommandContext, print } from "../context.ts";
import { edit } from "./edit.ts";

/** `remove LIST DIGEST|FILE`. */
export async function remove(args: string[], _flags: unknown, context: CommandContext): Promise<void> {
  const [name, instance] = args as [string, string];
  const { imageId, result } = await edit(context, name, (list) => {
    const digest = list.instanceByFile(instance);
    list.remove(digest);
    return digest;
  });
  print(`${imageId}: ${result}`);
}
