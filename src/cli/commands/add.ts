import { findSource, type List } from "../../system/local/room.ts";
import { createPlatform } from "../../spec/room.ts";
import type { ImageStore } from "../../store/room.ts";
import { type CommandContext, createSystemContext } from "../context.ts";
import { UsageError } from "../errors.ts";
import { parseAnnotations, parseLooseAnnotations, toFlag } from "../flags.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";
import { type DetailFlags, edit, setDetails } from "./edit.ts";
import { addSources, findSources, type SourceFlags } from "./sources.ts";

/** Flags of `add`. */
export interface AddFlags extends SourceFlags, DetailFlags, ResultFormat {
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

/** Runs `add LIST IMAGE…` and `add --artifact LIST FILE…`. All images are added, or none. */
export async function add(operands: string[], flags: AddFlags, context: CommandContext): Promise<void> {
  const [name, ...names] = operands as [string, ...string[]];
  assertFormat(flags);
  assertArtifactFlags(flags);
  const annotations = parseAnnotations(flags.annotation, (pair) => context.persona.formatBadAnnotation(pair, "entry"));
  const { imageId, result } = await edit(context, name, async (list, store) => {
    const digests = flags.artifact
      ? [await addArtifact(list, names, store, flags, context)]
      : await addSources(list, await findSources(store, names, flags), flags, context);
    for (const digest of digests) setDetails(list, digest, flags, annotations);
    return digests;
  });
  const lines = [...new Set(result.map((digest) => context.persona.formatChanged(imageId, digest)))];
  printResult(flags, lines, { id: imageId, instances: result });
}

async function addArtifact(
  list: List,
  files: string[],
  store: ImageStore,
  flags: AddFlags,
  context: CommandContext,
): Promise<string> {
  const { artifactConfig: configFile, artifactConfigType: configType, artifactSubject } = flags;
  const subject = artifactSubject ? await findSource(store, artifactSubject) : undefined;
  return await list.addArtifact(files, {
    artifactType: flags.artifactType,
    configFile: configFile || undefined,
    configType: configType || undefined,
    config: !configFile && configType ? { mediaType: configType, data: new TextEncoder().encode("{}") } : undefined,
    layerType: flags.artifactLayerType || undefined,
    excludeTitles: flags.artifactExcludeTitles,
    subject: subject?.image,
    annotations: parseLooseAnnotations(flags.artifactAnnotation),
    platform: createPlatform({ ...flags, architecture: flags.arch }),
    systemContext: await createSystemContext(flags, context, subject && [subject]),
    signal: context.signal,
  });
}

function assertArtifactFlags(flags: AddFlags): void {
  const name = flags.artifact ? undefined : Object.keys(flags).find((name) => /^artifact[A-Z]/.test(name));
  if (name) throw new UsageError(`${toFlag(name)} requires --artifact`);
}
