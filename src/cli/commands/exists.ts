import { type CommandContext, openLocalStore } from "../context.ts";
import { ExitError } from "../errors.ts";
import { findList } from "./find.ts";

/** Runs `exists LIST`. Exits with 0 if the list exists, with 1 if the name is not found, with 125 if it is an image. */
export async function exists([name]: string[], _flags: unknown, context: CommandContext): Promise<void> {
  await using store = await openLocalStore(context);
  if (!await findList(store, name!)) throw new ExitError(1);
}
