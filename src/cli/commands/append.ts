import { createAddition } from "../../actions/room.ts";
import { create } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore } from "../context.ts";
import { loadPolicyOption } from "../engine_options.ts";
import { UsageError } from "../errors.ts";
import { parseAnnotations, splitPlatforms, toFlag } from "../flags.ts";
import { assertFormat, printResult } from "../output.ts";
import { type DetailFlags, setDetails } from "./edit.ts";
import { type RemoteEditFlags, runRemoteEdit } from "./remote_edit.ts";
import { addSources, findSources, type SourceFlags } from "./sources.ts";

/** Flags of `append`. */
export interface AppendFlags extends SourceFlags, DetailFlags, RemoteEditFlags {
  annotation?: string[];
  create?: boolean;
  platform?: string[];
  referrers?: boolean;
  signaturePolicy?: string;
}

/** Runs `append REMOTE IMAGE…`, which adds images to a list in a registry without a local list. */
export async function append(operands: string[], flags: AppendFlags, context: CommandContext): Promise<void> {
  const [remote, ...images] = operands as [string, ...string[]];
  assertFormat(flags);
  const selection = selectImages(flags);
  const annotations = parseAnnotations(flags.annotation, (pair) => context.persona.formatBadAnnotation(pair, "entry"));
  await using store = new LocalStore(context);
  const sources = await findSources(store.open, images, flags);
  const systemContext = await createSystemContext(flags, context, sources);
  const options = {
    systemContext,
    ...await loadPolicyOption(flags, systemContext, context),
    create: flags.create,
    referrers: flags.referrers,
    signal: context.signal,
  };
  const addition = createAddition(async (signal) => {
    const list = create();
    for (const added of await addSources(list, sources, { ...flags, ...selection }, { ...context, signal })) {
      setDetails(list, added, flags, annotations);
    }
    return list;
  });
  const result = await runRemoteEdit({ remote, ...addition, ignoreOrder: true }, flags, options);
  if (!result) return;
  const { digest, unchanged } = result;
  printResult(flags, [digest], { digest, unchanged });
}

/**
 * Returns which images of a source that is itself a list are added: all, unless flags choose one of them or some of its
 * platforms.
 *
 * @throws {UsageError} `--platform` is used with another flag that chooses an image.
 */
function selectImages(flags: AppendFlags): { all: boolean; platforms: string[] | undefined } {
  const { all, platform } = flags;
  const names = ["os", "arch", "variant", "osVersion", "osFeatures"] as const;
  const choice = names.find((name) => flags[name]?.length);
  if (platform && choice) throw new UsageError(`--platform cannot be used with ${toFlag(choice)}`);
  return { all: all ?? choice === undefined, platforms: platform && splitPlatforms("--platform", platform) };
}
