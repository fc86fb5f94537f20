import type { ImageSource, InstanceOptions } from "../image/room.ts";
import { parseJson, StructReader } from "../json/room.ts";
import {
  type Descriptor,
  formatPlatform,
  MAX_CONFIG_SIZE,
  MEDIA_TYPES,
  normalizePlatform,
  type ParsedImage,
  type Platform,
  readBlob,
  readPlatform,
} from "../spec/room.ts";

/** Returns true if a manifest has the configuration of an image, and not that of an artifact. */
export function isImageConfig({ config, artifactType }: ParsedImage): boolean {
  if (artifactType) return false;
  return config?.mediaType === MEDIA_TYPES.ociConfig || config?.mediaType === MEDIA_TYPES.dockerConfig;
}

/** The facts about an image in its configuration. */
export class ImageConfig {
  /** Digests of the layers without compression, base first. */
  readonly diffIds: readonly string[];
  readonly #platform: Platform;

  constructor(platform: Platform, diffIds: readonly string[]) {
    this.#platform = platform;
    this.diffIds = diffIds;
  }

  /**
   * Lists how the platform of an index entry contradicts the configuration. Fields that the configuration leaves out
   * match any value, since many builders omit them; fields that only the entry leaves out do not, since clients choose by
   * the entry alone.
   */
  contradictions(entry: Platform | undefined): string[] {
    if (!entry || formatPlatform(entry) === "") return [];
    const { os, architecture } = this.#platform;
    if (entry.os !== os || entry.architecture !== architecture) {
      return [`its configuration says that it is for ${formatPlatform(this.#platform)}`];
    }
    const own = this.#platform;
    const isSameVariant = normalizePlatform(own).variant === normalizePlatform(entry).variant;
    const rows = [
      ["variant", own.variant, entry.variant, isSameVariant],
      ["os.version", own.osVersion, entry.osVersion, own.osVersion === entry.osVersion],
    ] as const;
    return rows.flatMap(([name, value, other, isSame]) => {
      if (!value || isSame) return [];
      const said = other ? `the list says ${JSON.stringify(other)}` : "the list has none";
      return [`its configuration says ${name} ${JSON.stringify(value)}, but ${said}`];
    });
  }
}

/** Reads and verifies the configuration of an image. */
export async function readImageConfig(
  source: ImageSource,
  config: Descriptor,
  options: InstanceOptions,
): Promise<ImageConfig> {
  const bytes = await readBlob(await source.getBlob(config, options), config, MAX_CONFIG_SIZE);
  const from = new StructReader(parseJson(bytes, "configuration").value, "image configuration");
  return new ImageConfig(readPlatform(from), from.struct("rootfs")?.strings("diff_ids") ?? []);
}
