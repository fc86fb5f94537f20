import { loadContainersConf } from "../config/files/room.ts";
import type { ContainersConf } from "../config/room.ts";
import type { PushOptions } from "../list/room.ts";
import { MEDIA_TYPES } from "../spec/room.ts";
import type { SystemContext } from "../system/local/room.ts";
import { type CommandContext, createSystemContext, type RegistryFlags } from "./context.ts";
import type { RegistryPlace } from "./credentials.ts";
import { type SigningFlags, signingOptions } from "./engine_options.ts";
import { UsageError } from "./errors.ts";
import { parseCount } from "./flags.ts";
import { type RetryFlags, retryOptions } from "./retry_options.ts";

/** Flags about the format and compression of copied images. */
export interface TransferFlags extends RetryFlags {
  format?: string[];
  compressionFormat?: string;
  compressionLevel?: string;
  forceCompression?: boolean;
  addCompression?: string[];
  referrers?: boolean;
  registryReferrersMode?: string;
}

/** Flags of the commands that copy images. */
export interface CopyingFlags extends TransferFlags, SigningFlags, RegistryFlags {
  all?: boolean;
}

/**
 * Converts the flags of a command that copies images to the options of the copy. `containers.conf` gives the defaults.
 *
 * @param places Places that the command reads or writes, if it can use several registries.
 * @throws {UsageError} The flags contradict each other, or one has an invalid value.
 */
export async function createCopyOptions(
  flags: CopyingFlags,
  context: CommandContext,
  places?: readonly RegistryPlace[],
) {
  const conf = await loadContainersConf();
  return {
    ...await transferOptions(flags, conf),
    ...await signingOptions(flags),
    systemContext: {
      ...await createSystemContext(flags, context, places),
      ...compressionContext(flags, conf),
      ...referrersContext(flags),
    },
    signal: context.signal,
  };
}

/** Media types of lists by their names in `--format` of podman and buildah. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ["oci", MEDIA_TYPES.ociIndex],
  ["v2s2", MEDIA_TYPES.dockerList],
  ["docker", MEDIA_TYPES.dockerList],
]);

/** Converts the flags about format, compression and retries. */
async function transferOptions(
  flags: TransferFlags & { all?: boolean },
  conf: ContainersConf,
): Promise<Partial<PushOptions>> {
  const { compressionFormat } = flags;
  const format = flags.format?.findLast((name) => name !== "json");
  const manifestType = format === undefined ? undefined : FORMATS.get(format);
  if (format !== undefined && manifestType === undefined) {
    throw new UsageError(
      `unknown format ${JSON.stringify(format)}. Choose one of the supported formats: 'oci' or 'v2s2'`,
    );
  }
  if (flags.forceCompression && compressionFormat === undefined) {
    throw new UsageError("--force-compression requires --compression-format");
  }
  return {
    manifestType,
    // Podman and buildah also recompress layers if a compression format is given.
    forceCompressionFormat: flags.forceCompression ?? compressionFormat !== undefined,
    // Variants are made for all images of a list, so the configured default does not apply if only some are pushed.
    addCompression: flags.addCompression ?? (flags.all ?? true ? conf.addCompression : undefined),
    referrers: flags.referrers,
    maxParallelTransfers: conf.imageParallelCopies || undefined,
    ...await retryOptions(flags, conf),
  };
}

/**
 * Converts `--registry-referrers-mode`.
 *
 * @throws {UsageError} The mode is unknown.
 */
function referrersContext({ registryReferrersMode: mode }: TransferFlags): SystemContext {
  if (mode === undefined || mode === "legacy" || mode === "oci-1-1") return { registryReferrersMode: mode };
  throw new UsageError(`unknown --registry-referrers-mode ${JSON.stringify(mode)}: use legacy or oci-1-1`);
}

/**
 * Returns the compression of layers: the flags, or else `containers.conf`. `undefined` members keep the compression.
 *
 * @throws {UsageError} The level is not a number.
 */
function compressionContext(flags: TransferFlags, conf: ContainersConf): SystemContext {
  const { compressionFormat = conf.compressionFormat, compressionLevel: level } = flags;
  return {
    compressionFormat,
    compressionLevel: level === undefined ? conf.compressionLevel : parseCount("--compression-level", level),
    // `storage` means a folder inside the store, which is not used here.
    bigFilesTemporaryDir: conf.imageCopyTmpDir === "storage" ? undefined : conf.imageCopyTmpDir,
  };
}
