import { loadContainersConf } from "../config/files/room.ts";
import type { PushOptions } from "../list/room.ts";
import { MEDIA_TYPES } from "../spec/room.ts";
import type { SystemContext } from "../system/local/room.ts";
import { UsageError } from "./errors.ts";
import { parseCount } from "./flags.ts";
import { type RetryFlags, retryOptions } from "./retry_options.ts";

/** Flags about what becomes of images that are moved. */
export interface TransferFlags extends RetryFlags {
  format?: string[];
  compressionFormat?: string;
  compressionLevel?: string;
  forceCompression?: boolean;
  addCompression?: string[];
  referrers?: boolean;
  registryReferrersMode?: string;
}

/** The media types of manifests by the names that users of the real tools know. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ["oci", MEDIA_TYPES.ociIndex],
  ["v2s2", MEDIA_TYPES.dockerList],
  ["docker", MEDIA_TYPES.dockerList],
]);

/** What the flags, and where they are silent `containers.conf`, want to become of the images. */
export async function transferOptions(flags: TransferFlags & { all?: boolean }): Promise<Partial<PushOptions>> {
  const conf = await loadContainersConf();
  const { compressionFormat } = flags;
  const format = flags.format?.findLast((name) => name !== "json");
  const manifestType = format === undefined ? undefined : FORMATS.get(format);
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
    // A variant for each image of a list of which not all go would contradict itself.
    addCompression: flags.addCompression ?? (flags.all ?? true ? conf.addCompression : undefined),
    referrers: flags.referrers,
    maxParallelTransfers: conf.imageParallelCopies || undefined,
    ...await retryOptions(flags),
  };
}

/** How something is attached to images. */
export function referrersContext({ registryReferrersMode: mode }: TransferFlags): SystemContext {
  if (mode === undefined || mode === "legacy" || mode === "oci-1-1") return { registryReferrersMode: mode };
  throw new UsageError(`unknown --registry-referrers-mode ${JSON.stringify(mode)}: use legacy or oci-1-1`);
}

/** Which compression layers get on the way. */
export async function compressionContext(flags: TransferFlags): Promise<SystemContext> {
  const conf = await loadContainersConf();
  const { compressionFormat = conf.compressionFormat, compressionLevel: level } = flags;
  return {
    compressionFormat,
    compressionLevel: level === undefined ? conf.compressionLevel : parseCount("--compression-level", level),
    // `storage` means below the store, where nothing of ours is.
    bigFilesTemporaryDir: conf.imageCopyTmpDir === "storage" ? undefined : conf.imageCopyTmpDir,
  };
}
