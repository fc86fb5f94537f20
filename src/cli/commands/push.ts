import { loadFromImage, lockerForImage } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, type RegistryFlags, systemContextOf } from "../context.ts";
import { UsageError } from "../errors.ts";
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
  const [name, given] = args as [string, string?];
  await using store = await openStoreOf(context);
  const { id, manifestDigest, resolvedName } = await requireList(store, name);
  const destination = given ?? ownDestination(resolvedName);
  const { list } = await loadFromImage(store, id);
  // Now, not after a long push: whether the digest can be written.
  if (flags.digestfile !== undefined) (await Deno.open(flags.digestfile, { write: true, create: true })).close();
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

/** Where a list goes whose name says it. */
function ownDestination(name: string): string {
  if (!name.includes("/") || name.startsWith("localhost/")) {
    throw new UsageError(`the list is called ${name}, which names no registry: name a destination`);
  }
  return name;
}
