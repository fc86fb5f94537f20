import { formatPlatform } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import type { AddOptions, List, PlatformMismatch } from "../../list/room.ts";
import { findSource, type FoundSource, hostPlatform, type SystemContext } from "../../system/local/room.ts";
import {
  type CommandContext,
  createSystemContext,
  type PlatformFlags,
  type RegistryFlags,
  toPlatformChoice,
} from "../context.ts";
import { note } from "../output.ts";

/** Flags about images that are added. */
export interface SourceFlags extends RegistryFlags, PlatformFlags {
  all?: boolean;
  attestations?: boolean;
  allowPlatformMismatch?: boolean;
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

/** Adds images to a list in memory, and explains which they are. Returns, for each, the digest of its first image. */
export async function addSources(
  list: List,
  sources: readonly FoundSource[],
  flags: SourceFlags & Pick<AddOptions, "platforms">,
  context: CommandContext,
): Promise<string[]> {
  const { all = false, platforms, attestations, explain } = flags;
  const mismatch = mismatchOptions(flags, context);
  const options = {
    all,
    platforms,
    attestations,
    ...mismatch,
    systemContext: { ...await createSystemContext(flags, context, sources), ...choiceFor(flags, context) },
    signal: context.signal,
  };
  const digests: string[] = [];
  for (const { name, image, reason } of sources) {
    const digest = await list.add(image, options);
    // Among all instances, the flags that choose have nothing to choose; the tools label the first one with them.
    const chooses = !all && !platforms || context.persona.relabels;
    const labels = chooses ? flags : withoutArchitecture(flags);
    relabel(list, digest, name, { labels, ...mismatch });
    digests.push(digest);
    if (explain) note(`${name}: ${image} as ${reason}: ${digest} (${platformOf(list, digest) || "no platform"})`);
  }
  return digests;
}

/** The platform of an instance, as people write it. */
export function platformOf(list: List, digest: string): string {
  return formatPlatform(list.platform(digest));
}

function withoutArchitecture({ os: _, arch: __, variant: ___, ...rest }: PlatformFlags): PlatformFlags {
  return rest;
}

/** The instance to choose from lists: the tools never take an image only because it is the only one. */
function choiceFor(flags: PlatformFlags, { persona }: CommandContext): SystemContext {
  const choice = toPlatformChoice(Object.fromEntries(persona.choiceFlags.map((name) => [name, flags[name]])));
  if (!persona.relabels) return choice;
  const { os, architecture, variant } = hostPlatform();
  return {
    osChoice: os,
    architectureChoice: architecture,
    ...(variant && !choice.architectureChoice ? { variantChoice: variant } : {}),
    ...choice,
  };
}

/** What is done about labels that contradict an image. */
type MismatchOptions = Pick<AddOptions, "allowPlatformMismatch" | "onPlatformMismatch">;

function mismatchOptions({ allowPlatformMismatch }: SourceFlags, { persona }: CommandContext): MismatchOptions {
  if (!persona.relabels) return { allowPlatformMismatch };
  const onPlatformMismatch = ({ image, digest, recorded, actual }: PlatformMismatch) =>
    warn(`${digest} of ${image} is recorded for ${formatPlatform(recorded)}, but is for ${formatPlatform(actual)}`);
  return { allowPlatformMismatch: true, onPlatformMismatch };
}

/** Records what the flags say of an instance, unless the image says otherwise. */
function relabel(
  list: List,
  digest: string,
  image: string,
  { labels, allowPlatformMismatch, onPlatformMismatch }: MismatchOptions & { readonly labels: PlatformFlags },
): void {
  const check = (what: string, label: string, actual: string) => {
    if (actual === "" || actual === label) return;
    const contradiction = `${image} is for ${what} ${JSON.stringify(actual)}, not ${JSON.stringify(label)}`;
    if (!allowPlatformMismatch) {
      throw new Error(`${contradiction} (--allow-platform-mismatch records that nevertheless)`);
    }
    if (onPlatformMismatch) warn(`${contradiction}, as is recorded`);
  };
  const { os, arch, variant, osVersion, osFeatures = [] } = labels;
  if (os) {
    check("OS", os, list.os(digest));
    list.setOs(digest, os);
  }
  if (arch) {
    check("architecture", arch, list.architecture(digest));
    list.setArchitecture(digest, arch);
  }
  if (variant) {
    check("variant", variant, list.variant(digest));
    list.setVariant(digest, variant);
  }
  if (osVersion) {
    check("OS version", osVersion, list.osVersion(digest));
    list.setOsVersion(digest, osVersion);
  }
  const features = list.osFeatures(digest);
  if (osFeatures.some((feature) => !features.includes(feature))) {
    check("OS features", osFeatures.join(), features.join());
    list.setOsFeatures(digest, osFeatures);
  }
}

function warn(text: string): void {
  note(`Warning: ${text}`);
}
