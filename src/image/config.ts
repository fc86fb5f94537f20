import { type Descriptor, type ImageConfig, MAX_CONFIG_SIZE, parseImageConfig, readBlob } from "../spec/room.ts";
import type { ImageSource, InstanceOptions } from "./types.ts";

/**
 * Reads and verifies the configuration of an image.
 *
 * @throws {ManifestsError} With the codes of reading a blob, or those of `parseImageConfig`.
 */
export async function readImageConfig(
  source: ImageSource,
  config: Descriptor,
  options: InstanceOptions,
): Promise<ImageConfig> {
  const bytes = await readBlob(await source.getBlob(config, options), config, MAX_CONFIG_SIZE, options.signal);
  return parseImageConfig(bytes, `configuration ${config.digest} of ${source.reference}`);
}
