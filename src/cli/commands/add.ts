import { MEDIA_TYPES } from "../../spec/mod.ts";
import type { List } from "../../system/local/mod.ts";
import { type CommandContext, imageIn, print, type RegistryFlags, systemContextOf } from "../context.ts";
import { UsageError } from "../errors.ts";
import { flagOf, parseAnnotations } from "../flags.ts";
import { type DetailFlags, edit, setDetails } from "./edit.ts";

/** Flags of `add`. */
export interface AddFlags extends RegistryFlags, DetailFlags {
  all: boolean;
  annotation?: string[];
  artifact?: boolean;
  artifactType?: string;
  artifactConfig?: string;
  artifactConfigType?: string;
  artifactLayerType?: string;
  artifactExcludeTitles?: boolean;
  artifactSubject?: string;
  artifactAnnotation?: string[];
}

/** `add LIST IMAGE…` and `add --artifact LIST FILE…`: all or nothing. */
export async function add(args: string[], flags: AddFlags, context: CommandContext): Promise<void> {
  const [name, ...sources] = args as [string, ...string[]];
  refuseStrayArtifactFlags(flags);
  const annotations = parseAnnotations(flags.annotation);
  const { imageId, result } = await edit(context, name, async (list, store) => {
    const digests = flags.artifact
      ? [await addArtifact(list, sources, flags, context)]
      : await addImages(list, sources.map((source) => imageIn(store, source)), flags, context);
    for (const digest of digests) {
      setDetails(list, digest, flags, annotations);
    }
    return digests;
  });
  for (const digest of result) print(`${imageId}: ${digest}`);
}

async function addImages(list: List, images: string[], flags: AddFlags, context: CommandContext): Promise<string[]> {
  const systemContext = systemContextOf(flags, context);
  const digests: string[] = [];
  for (const image of images) {
    const digest = await list.add(image, { all: flags.all, systemContext, signal: context.signal });
    if (!flags.all) relabel(list, digest, image, flags);
    digests.push(digest);
  }
  return digests;
}

/** The flags chose the instance; what they say is recorded too, unless the image says otherwise. */
function relabel(list: List, digest: string, image: string, { os, arch, variant }: AddFlags): void {
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

async function addArtifact(list: List, files: string[], flags: AddFlags, context: CommandContext): Promise<string> {
  const { artifactConfig: configFile, artifactConfigType: configType } = flags;
  return await list.addArtifact(files, {
    artifactType: flags.artifactType,
    configFile,
    configType,
    config: configFile === undefined && configType !== undefined
      ? { mediaType: configType || MEDIA_TYPES.ociEmpty, data: new TextEncoder().encode("{}") }
      : undefined,
    layerType: flags.artifactLayerType,
    excludeTitles: flags.artifactExcludeTitles,
    subject: flags.artifactSubject,
    annotations: parseAnnotations(flags.artifactAnnotation),
    platform: { os: flags.os ?? "", architecture: flags.arch ?? "", variant: flags.variant ?? "" },
    systemContext: systemContextOf({ ...flags, arch: "", os: "", variant: "" }, context),
    signal: context.signal,
  });
}

function refuseStrayArtifactFlags(flags: AddFlags): void {
  if (flags.artifact) return;
  const stray = Object.keys(flags).find((name) => /^artifact[A-Z]/.test(name));
  if (stray) {
    throw new UsageError(`${flagOf(stray)} requires --artifact`);
  }
}
