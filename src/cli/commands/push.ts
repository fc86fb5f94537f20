import type { PushOptions } from "../../list/mod.ts";
import { type Digest, MEDIA_TYPES } from "../../spec/mod.ts";
import type { ImageStore } from "../../store/mod.ts";
import { loadFromImage, lockerForImage, type SystemContext } from "../../system/local/mod.ts";
import { type CommandContext, openStoreOf, type RegistryFlags, systemContextOf } from "../context.ts";
import { type SigningFlags, signingOptions } from "../engine_options.ts";
import { prefixError, UsageError } from "../errors.ts";
import { parseCount, parseDuration } from "../flags.ts";
import { printResult } from "../output.ts";
import { requireList } from "./find.ts";

/** Flags of `push`. */
export interface PushFlags extends RegistryFlags, SigningFlags {
  all?: boolean;
  rm?: boolean;
  digestfile?: string;
  quiet?: boolean;
  format?: string[];
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
  const wishes = { ...wishesOf(flags), ...await signingOptions(flags) };
  const systemContext = { ...await systemContextOf(flags, context), ...compressionOf(flags) };
  await using store = await openStoreOf(context);
  const { id, manifestDigest, resolvedName } = await requireList(store, name).catch((error) => {
    throw prefixError(context.persona.pushPrefix(name), error);
  });
  const destination = given ?? ownDestination(resolvedName);
  const { list } = await loadFromImage(store, id);
  // Now, not after a long push: whether the digest can be written.
  if (flags.digestfile !== undefined) (await Deno.open(flags.digestfile, { write: true, create: true })).close();
  const encoder = new TextEncoder();
  const result = await list.push(destination, {
    store,
    systemContext,
    ...wishes,
    imageListSelection: flags.all ?? true ? "all" : "specific",
    reportWriter: flags.quiet ? undefined : { write: (text) => Deno.stderr.writeSync(encoder.encode(text)) },
    signal: context.signal,
  });
  // Only now: a digest in a file means that the list is there.
  if (flags.digestfile !== undefined) await Deno.writeTextFile(flags.digestfile, result.digest);
  if (flags.rm) await deletePushed(store, id, manifestDigest, context);
  if (flags.format?.includes("json")) {
    printResult({ format: "json" }, [], { ...result, instances: Object.fromEntries(result.instances) });
  }
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

/** The media types of manifests by the names that users of the real tools know. */
const FORMATS: Readonly<Record<string, string>> = {
  oci: MEDIA_TYPES.ociIndex,
  v2s2: MEDIA_TYPES.dockerList,
  docker: MEDIA_TYPES.dockerList,
};

/** What the flags want to become of the images. */
function wishesOf(flags: PushFlags): Partial<PushOptions> {
  const { compressionFormat, retry, retryDelay } = flags;
  const format = flags.format?.findLast((name) => name !== "json");
  const manifestType = format === undefined ? undefined : FORMATS[format];
  if (format !== undefined && manifestType === undefined) {
    throw new UsageError(
      `unknown format ${JSON.stringify(format)}. Choose one of the supported formats: 'oci' or 'v2s2'`,
    );
  }
  if (flags.forceCompression && compressionFormat === undefined) {
    throw new UsageError("--force-compression needs --compression-format");
  }
  return {
    manifestType,
    // Who names a format means it, as for the real tools.
    forceCompressionFormat: flags.forceCompression ?? compressionFormat !== undefined,
    addCompression: flags.addCompression,
    maxRetries: retry === undefined ? undefined : parseCount("--retry", retry),
    retryDelay: retryDelay === undefined ? undefined : parseDuration("--retry-delay", retryDelay),
  };
}

function compressionOf({ compressionFormat, compressionLevel: level }: PushFlags): SystemContext {
  const compressionLevel = level === undefined ? undefined : parseCount("--compression-level", level);
  return { compressionFormat, compressionLevel };
}

/** Where a list goes whose name says it. */
function ownDestination(name: string): string {
  if (!name.includes("/") || name.startsWith("localhost/")) {
    throw new UsageError(`the list is called ${name}, which names no registry: name a destination`);
  }
  return name;
}
