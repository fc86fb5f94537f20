import { formatPlatform } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import type { BaseList } from "../../list/room.ts";
import { findSource, type FoundSource } from "../../system/local/room.ts";
import { choiceOf, type CommandContext, type PlatformFlags, type RegistryFlags, systemContextOf } from "../context.ts";
import { note } from "../output.ts";

/** Flags about images that are added. */
export interface SourceFlags extends RegistryFlags, PlatformFlags {
  all?: boolean;
  explain?: boolean;
}

/** Finds what names mean: the local image first, then the one in a registry. */
export async function findSources(
  store: ImageStore,
  names: readonly string[],
  { all }: SourceFlags,
): Promise<FoundSource[]> {
  const sources = [];
  for (const name of names) sources.push(await findSource(store, name, { all }));
  return sources;
}

/** Adds images to a list in memory, and explains which they are. Returns, for each, the digest of its first instance. */
export async function addSources(
  list: BaseList,
  sources: readonly FoundSource[],
  flags: SourceFlags,
  context: CommandContext,
): Promise<string[]> {
  const { all = false, explain } = flags;
  const systemContext = { ...await systemContextOf(flags, context, sources), ...choiceOf(flags) };
  const digests: string[] = [];
  for (const { name, image, reason } of sources) {
    const digest = await list.add(image, { all, systemContext, signal: context.signal });
    if (!all) relabel(list, digest, name, flags);
    digests.push(digest);
    if (explain) note(`${name}: ${image} as ${reason}: ${digest} (${platformOf(list, digest) || "no platform"})`);
  }
  return digests;
}

/** The platform of an instance, as people write it. */
export function platformOf(list: BaseList, digest: string): string {
  return formatPlatform(list.platform(digest));
}

/** The flags chose the instance; what they say is recorded too, unless the image says otherwise. */
function relabel(list: BaseList, digest: string, image: string, { os, arch, variant }: PlatformFlags): void {
  const refuse = (what: string, wanted: string, actual: string) => {
    if (actual !== "" && actual !== wanted) {
      throw new Error(`${image} is for ${what} ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`);
    }
  };
  if (os) {
    refuse("OS", os, list.os(digest));
    list.setOs(digest, os);
  }
  if (arch) {
    refuse("architecture", arch, list.architecture(digest));
    list.setArchitecture(digest, arch);
  }
  if (variant) {
    refuse("variant", variant, list.variant(digest));
    list.setVariant(digest, variant);
  }
}
