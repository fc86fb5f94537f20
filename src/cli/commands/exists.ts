import { findLocalImage } from "../../store/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { ExitError } from "../errors.ts";
import { getList } from "./find.ts";

/** `exists LIST`: 0 if there is such a list, 1 if there is nothing, 125 if it is an ordinary image. */
export async function exists([name]: string[], _flags: unknown, context: CommandContext): Promise<void> {
  await using store = await openLocalStore(context);
  if (!await findLocalImage(store, name!)) throw new ExitError(1);
  await getList(store, name!);
}
