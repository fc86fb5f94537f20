import { loadContainersConf } from "../../config/files/mod.ts";
import type { PushOptions } from "../../list/mod.ts";
import { MEDIA_TYPES } from "../../spec/mod.ts";
import { loadFromImage, lockerForImage } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, type RegistryFlags, systemContextOf } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseCount, parseDuration } from "../flags.ts";
import { requireList } from "./find.ts";

/** Flags of `push`. */
export interface PushFlags extends RegistryFlags {
  all: boolean;
  rm?: boolean;
  purge?: boolean;
  digestfile?: string;
  quiet?: boolean;
  format?: string;
  compressionFormat?: string;
  compressionLevel?: string;
  forceCompression?: boolean;
  addCompression?: string[];
  retry?: string;
  retryDelay?: string;
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
    ...await wishesOf(flags, context),
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

/** The media types of manifests by the names that users of the real tools know. */
const FORMATS: Readonly<Record<string, string>> = {
  oci: MEDIA_TYPES.ociIndex,
  v2s2: MEDIA_TYPES.dockerList,
  docker: MEDIA_TYPES.dockerList,
};

/** What the flags, and where they are silent `containers.conf`, want to become of the images. */
async function wishesOf(flags: PushFlags, context: CommandContext): Promise<Partial<PushOptions>> {
  const { format, compressionFormat, compressionLevel: level } = flags;
  const manifestType = format === undefined ? undefined : FORMATS[format];
  if (format !== undefined && manifestType === undefined) {
    throw new UsageError(
      `unknown format ${JSON.stringify(format)}. Choose one of the supported formats: 'oci' or 'v2s2'`,
    );
  }
  if (flags.forceCompression && compressionFormat === undefined) {
    throw new UsageError("--force-compression needs --compression-format");
  }
  const conf = await loadContainersConf();
  const compressionLevel = level === undefined ? conf.compressionLevel : parseCount("--compression-level", level);
  const retry = flags.retry ?? conf.retry?.toString();
  const retryDelay = flags.retryDelay ?? conf.retryDelay;
  return {
    systemContext: {
      ...systemContextOf(flags, context),
      compressionFormat: compressionFormat ?? conf.compressionFormat,
      compressionLevel,
      // `storage` means below the store, where nothing of ours is.
      bigFilesTemporaryDir: conf.imageCopyTmpDir === "storage" ? undefined : conf.imageCopyTmpDir,
    },
    maxParallelTransfers: conf.imageParallelCopies || undefined,
    manifestType,
    // Who names a format means it, as for the real tools.
    forceCompressionFormat: flags.forceCompression ?? compressionFormat !== undefined,
    // A variant for each image of a list of which not all go would contradict itself.
    addCompression: flags.addCompression ?? (flags.all ? conf.addCompression : undefined),
    maxRetries: retry === undefined ? undefined : parseCount("--retry", retry),
    retryDelay: retryDelay === undefined ? undefined : parseDuration("--retry-delay", retryDelay),
  };
}

/** Where a list goes whose name says it. */
function ownDestination(name: string): string {
  if (!name.includes("/") || name.startsWith("localhost/")) {
    throw new UsageError(`the list is called ${name}, which names no registry: name a destination`);
  }
  return name;
}
