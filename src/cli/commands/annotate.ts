import type { List } from "../../system/local/mod.ts";
import { type CommandContext, print, type RegistryFlags, systemContextOf } from "../context.ts";
import { UsageError } from "../errors.ts";
import { flagOf, parseAnnotations } from "../flags.ts";
import { type DetailFlags, edit, setDetails } from "./edit.ts";

/** Flags of `annotate`. */
export interface AnnotateFlags extends RegistryFlags, DetailFlags {
  index?: boolean;
  annotation?: string[];
  subject?: string;
}

/** `annotate LIST [DIGEST|FILE]`. */
export async function annotate(args: string[], flags: AnnotateFlags, context: CommandContext): Promise<void> {
  const [name, instance] = args as [string, string?];
  const annotations = parseAnnotations(flags.annotation);
  const index = flags.index || flags.subject !== undefined;
  requireTarget(index, instance, flags);
  const { imageId, result } = await edit(context, name, async (list) => {
    if (index) {
      const systemContext = systemContextOf({ ...flags, arch: "", os: "", variant: "" }, context);
      if (flags.subject) await list.setSubjectFrom(flags.subject, { systemContext, signal: context.signal });
      if (flags.annotation) list.setAnnotations(undefined, annotations);
      return undefined;
    }
    const digest = list.instanceByFile(instance!);
    annotateInstance(list, digest, flags, annotations);
    return digest;
  });
  print(result ? `${imageId}: ${result}` : imageId);
}

function annotateInstance(
  list: List,
  digest: string,
  flags: AnnotateFlags,
  annotations: Record<string, string>,
): void {
  if (flags.os) list.setOs(digest, flags.os);
  if (flags.arch) list.setArchitecture(digest, flags.arch);
  // An architecture without a variant clears the variant, which belonged to the old one.
  if (flags.arch || flags.variant) list.setVariant(digest, flags.variant ?? "");
  setDetails(list, digest, flags, annotations);
}

function requireTarget(index: boolean, instance: string | undefined, flags: AnnotateFlags): void {
  if (!index && instance === undefined) {
    throw new UsageError("expected an instance digest, image name, or artifact name");
  }
  if (!index) return;
  if (instance !== undefined) {
    throw new UsageError(
      `did not expect image or artifact name ${JSON.stringify(instance)} when modifying the entire index`,
    );
  }
  const names = ["arch", "os", "osVersion", "features", "osFeatures", "variant"] as const;
  const stray = names.find((name) => flags[name] !== undefined);
  if (stray) {
    throw new UsageError(`--index is not compatible with ${flagOf(stray)}`);
  }
}
