import { createPlatform, formatPlatform } from "../../spec/room.ts";
import { findDockerEndpoint } from "../../config/files/room.ts";
import type { AddOptions, List, PlatformMismatch } from "../../list/room.ts";
import { findSource, type FoundSource, hostPlatform, type SystemContext } from "../../system/local/room.ts";
import {
  type CommandContext,
  createSystemContext,
  type PlatformFlags,
  type RegistryFlags,
  type StoreOrOpen,
  toPlatformChoice,
} from "../context.ts";
import { prefixError } from "../errors.ts";
import { note } from "../output.ts";

/** Flags about images that are added. */
export interface SourceFlags extends RegistryFlags, PlatformFlags {
  all?: boolean;
  attestations?: boolean;
  allowPlatformMismatch?: boolean;
  explain?: boolean;
}

/** Finds the images of names: first in the local store, then in registries. */
export async function findSources(
  store: StoreOrOpen,
  names: readonly string[],
  { all }: SourceFlags,
): Promise<FoundSource[]> {
  const sources = [];
  for (const name of names) sources.push(await findSource(store, name, { all }));
  return sources;
}

/** Adds images to a list in memory, and prints them with `--explain`. Returns the digest of the first instance of each. */
export async function addSources(
  list: List,
  sources: readonly FoundSource[],
  flags: SourceFlags & Pick<AddOptions, "platforms">,
  context: CommandContext,
): Promise<string[]> {
  const { all = false, platforms, attestations, explain } = flags;
  const mismatch = createMismatchOptions(flags, context);
  const options = {
    all,
    platforms,
    attestations,
    ...mismatch,
    systemContext: { ...await createSystemContext(flags, context, sources), ...createPlatformChoice(flags, context) },
    signal: context.signal,
  };
  const digests = await list.addAll(sources.map(({ image }) => image), options);
  for (const [i, { name, image, reason }] of sources.entries()) {
    const digest = digests[i]!;
    // If all instances are added, these flags choose none. Podman and buildah then label the first instance with them.
    const setsPlatform = !all && !platforms || context.persona.relabels;
    label(list, digest, name, setsPlatform ? flags : dropArchitecture(flags), mismatch);
    if (explain) {
      const place = image.startsWith("docker-daemon:") ? await describeDaemon(options.systemContext) : "";
      const platform = formatInstancePlatform(list, digest) || "no platform";
      note(`${name}: ${image}${place} because ${reason}: ${digest} (${platform})`);
    }
  }
  return digests;
}

/** Describes the daemon of `docker-daemon:`, with the setting that has its address. */
async function describeDaemon(systemContext: SystemContext): Promise<string> {
  const { host, origin } = await findDockerEndpoint(systemContext);
  return ` of the Docker daemon at ${host} (${origin})`;
}

/** Formats the platform of an instance, such as `linux/arm64`. */
function formatInstancePlatform(list: List, digest: string): string {
  return formatPlatform(list.platform(digest));
}

function dropArchitecture({ os: _, arch: __, variant: ___, ...rest }: PlatformFlags): PlatformFlags {
  return rest;
}

/**
 * Returns the platform that is chosen from lists. Podman and buildah always choose by platform, by default that of the
 * host; they do not choose an image because it is the only one.
 */
function createPlatformChoice(flags: PlatformFlags, { persona }: CommandContext): SystemContext {
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

/** Options about a platform that contradicts the image. */
type MismatchOptions = Pick<AddOptions, "allowPlatformMismatch" | "onPlatformMismatch">;

function createMismatchOptions({ allowPlatformMismatch }: SourceFlags, { persona }: CommandContext): MismatchOptions {
  if (!persona.relabels) return { allowPlatformMismatch };
  return { allowPlatformMismatch: true, onPlatformMismatch: warnOfMismatch };
}

/** Prints a warning about a recorded platform that contradicts the image's own. */
export function warnOfMismatch({ image, digest, recorded, actual }: PlatformMismatch): void {
  warn(`${digest} of ${image} is recorded for ${formatPlatform(recorded)}, but is for ${formatPlatform(actual)}`);
}

/** Sets the platform fields of an instance that the flags name. Run as podman or buildah, contradictions are warnings. */
function label(
  list: List,
  digest: string,
  name: string,
  flags: PlatformFlags,
  { allowPlatformMismatch, onPlatformMismatch }: MismatchOptions,
): void {
  const onMismatch = onPlatformMismatch &&
    (({ field, label, actual }: Record<"field" | "label" | "actual", string>) =>
      warn(
        `${name} is for ${field} ${JSON.stringify(actual)}, not ${JSON.stringify(label)}, which is recorded`,
      ));
  try {
    list.label(digest, createPlatform({ ...flags, architecture: flags.arch }), { allowPlatformMismatch, onMismatch });
  } catch (error) {
    throw prefixError(`${name}: `, error);
  }
}

function warn(text: string): void {
  note(`Warning: ${text}`);
}
