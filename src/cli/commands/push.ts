import { deleteUnchangedList, type PushOptions, type PushResult } from "../../list/room.ts";
import { loadFromImage, loadSignaturePolicy, type SystemContext } from "../../system/local/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { prefixError, UsageError } from "../errors.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { type CopyingFlags, createCopyOptions } from "../transfer_options.ts";
import { getList } from "./find.ts";
import { printCopied, printOutline } from "./outline.ts";

/** Flags of `push`. */
export interface PushFlags extends CopyingFlags, ProgressFlags {
  rm?: boolean;
  digestfile?: string;
  dryRun?: boolean;
}

/** Runs `push LIST [DESTINATION]`. The default destination is the registry in the name of the list. */
export async function push(operands: string[], flags: PushFlags, context: CommandContext): Promise<void> {
  const [name, given] = operands as [string, string?];
  const transfer = await createCopyOptions(flags, context);
  await using store = await openLocalStore(context);
  const { id, manifestDigest, resolvedName } = await getList(store, name).catch((error) => {
    throw prefixError(context.persona.getPushPrefix(name), error);
  });
  const destination = given ?? getDefaultDestination(resolvedName);
  const { list } = await loadFromImage(store, id);
  const imageListSelection = flags.all ?? true ? "all" : "specific";
  const policy = await loadPolicyOption(flags, transfer.systemContext, context);
  const options: PushOptions = { store, ...transfer, ...policy, imageListSelection };
  if (flags.dryRun) return printOutline(flags, destination, await list.outlinePush(destination, options));
  const result = await withDigestFile(
    flags.digestfile,
    () => withProgress(flags, (view) => list.push(destination, { ...options, ...view })),
  );
  if (flags.rm) await deleteUnchangedList(store, id, manifestDigest, { signal: context.signal });
  printCopied(flags, result);
}

/** Runs a push and writes the digest to a file. If the push fails, a file that did not exist before is removed. */
async function withDigestFile(file: string | undefined, run: () => Promise<PushResult>): Promise<PushResult> {
  if (file === undefined) return await run();
  // Opened before the push, so that a file that cannot be written is reported at once.
  const isNew = await openDigestFile(file);
  try {
    const result = await run();
    // Written after the push, so that a digest in the file means that the list exists.
    await Deno.writeTextFile(file, result.digest);
    return result;
  } catch (error) {
    if (isNew) await Deno.remove(file).catch(() => {});
    throw error;
  }
}

/** Opens a file for writing and returns whether it is new. */
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

/** Loads the policy that `--signature-policy` names. Podman and buildah accept the flag but check nothing. */
async function loadPolicyOption(
  { signaturePolicy }: PushFlags,
  systemContext: SystemContext,
  { persona }: CommandContext,
): Promise<Pick<PushOptions, "signaturePolicy">> {
  if (signaturePolicy === undefined || persona.name !== "manifests") return {};
  return { signaturePolicy: await loadSignaturePolicy(systemContext) };
}

/**
 * Returns the destination in the name of a list.
 *
 * @throws {UsageError} The name does not contain a registry.
 */
function getDefaultDestination(name: string): string {
  if (!name.includes("/") || name.startsWith("localhost/")) {
    throw new UsageError(
      `Cannot push ${JSON.stringify(name)}: the name does not contain a registry; give a DESTINATION`,
    );
  }
  return name;
}
