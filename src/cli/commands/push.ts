import { loadFromImage, lockerForImage } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, type RegistryFlags, systemContextOf } from "../context.ts";
import { requireList } from "./find.ts";

/** Flags of `push`. */
export interface PushFlags extends RegistryFlags {
  all: boolean;
  rm?: boolean;
  purge?: boolean;
  digestfile?: string;
  quiet?: boolean;
}

/** `push LIST [DESTINATION]`; without a destination, to where the list's name says. */
export async function push(args: string[], flags: PushFlags, context: CommandContext): Promise<void> {
  const [name, destination = name] = args as [string, string?];
  await using store = await openStoreOf(context);
  const { id, manifestDigest } = await requireList(store, name);
  const { list } = await loadFromImage(store, id);
  const encoder = new TextEncoder();
  const result = await list.push(destination, {
    store,
    systemContext: systemContextOf(flags),
    imageListSelection: flags.all ? "all" : "specific",
    reportWriter: flags.quiet ? undefined : { write: (text) => Deno.stderr.writeSync(encoder.encode(text)) },
    signal: context.signal,
  });
  // Only now: a digest in a file means that the list is there.
  if (flags.digestfile !== undefined) await Deno.writeTextFile(flags.digestfile, result.digest);
  if (!flags.rm && !flags.purge) return;
  // Only what was pushed is deleted: an edit that somebody made meanwhile stays.
  await using _guard = await (await lockerForImage(store, id)).lock({ signal: context.signal });
  await store.deleteImage(id, { ifUnchanged: new Map([["manifest", manifestDigest]]) });
}
