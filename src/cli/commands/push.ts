import type { PushOptions, PushResult } from "../../list/room.ts";
import type { Digest } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { loadFromImage, loadSignaturePolicy, lockerForImage, type SystemContext } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, openLocalStore, type RegistryFlags } from "../context.ts";
import { type SigningFlags, signingOptions } from "../engine_options.ts";
import { prefixError, UsageError } from "../errors.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { compressionContext, referrersContext, type TransferFlags, transferOptions } from "../transfer_options.ts";
import { getList } from "./find.ts";
import { printCopied, printOutline } from "./outline.ts";

/** Flags of `push`. */
export interface PushFlags extends RegistryFlags, SigningFlags, TransferFlags, ProgressFlags {
  all?: boolean;
  rm?: boolean;
  digestfile?: string;
  dryRun?: boolean;
}

/** `push LIST [DESTINATION]`; without a destination, to where the list's name says. */
export async function push(operands: string[], flags: PushFlags, context: CommandContext): Promise<void> {
  const [name, given] = operands as [string, string?];
  const wishes = { ...await transferOptions(flags), ...await signingOptions(flags) };
  const systemContext = {
    ...await createSystemContext(flags, context),
    ...await compressionContext(flags),
    ...referrersContext(flags),
  };
  await using store = await openLocalStore(context);
  const { id, manifestDigest, resolvedName } = await getList(store, name).catch((error) => {
    throw prefixError(context.persona.getPushPrefix(name), error);
  });
  const destination = given ?? getDefaultDestination(resolvedName);
  const { list } = await loadFromImage(store, id);
  const imageListSelection = flags.all ?? true ? "all" : "specific";
  const judged = await loadPolicyOption(flags, systemContext, context);
  const { signal } = context;
  const options: PushOptions = { store, systemContext, ...wishes, ...judged, imageListSelection, signal };
  if (flags.dryRun) return printOutline(flags, destination, await list.outlinePush(destination, options));
  const result = await withDigestFile(
    flags.digestfile,
    () => withProgress(flags, (view) => list.push(destination, { ...options, ...view })),
  );
  if (flags.rm) await deletePushed(store, id, manifestDigest, context);
  printCopied(flags, result);
}

/** Runs a push and writes the digest into a file. A file that this made is removed again if the push fails. */
async function withDigestFile(file: string | undefined, run: () => Promise<PushResult>): Promise<PushResult> {
  if (file === undefined) return await run();
  // Now, not after a long push: whether the digest can be written.
  const isNew = await openDigestFile(file);
  try {
    const result = await run();
    // Only now: a digest in a file means that the list is there.
    await Deno.writeTextFile(file, result.digest);
    return result;
  } catch (error) {
    if (isNew) await Deno.remove(file).catch(() => {});
    throw error;
  }
}

/** Opens a file for writing, and returns whether it is a new one. */
async function openDigestFile(file: string): Promise<boolean> {
  try {
    (await Deno.open(file, { write: true, createNew: true })).close();
    return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    (await Deno.open(file, { write: true, create: true })).close();
    return false;
  }
}

/** Who names a policy means it; podman and buildah take the flag, and judge nothing. */
async function loadPolicyOption(
  { signaturePolicy }: PushFlags,
  systemContext: SystemContext,
  { persona }: CommandContext,
): Promise<Pick<PushOptions, "signaturePolicy">> {
  if (signaturePolicy === undefined || persona.name !== "manifests") return {};
  return { signaturePolicy: await loadSignaturePolicy(systemContext) };
}

/** Only what was pushed is deleted: an edit that somebody made meanwhile stays. */
async function deletePushed(
  store: ImageStore,
  id: string,
  manifest: Digest,
  { signal }: CommandContext,
): Promise<void> {
  await using _guard = await (await lockerForImage(store, id)).lock({ signal });
  await store.deleteImage(id, { ifUnchanged: new Map([["manifest", manifest]]) });
}

/** Where a list goes whose name says it. */
function getDefaultDestination(name: string): string {
  if (!name.includes("/") || name.startsWith("localhost/")) {
    throw new UsageError(`the list is called ${name}, which names no registry: name a destination`);
  }
  return name;
}
