import { editRemoteList } from "../../system/local/room.ts";
import { type CommandContext, openStoreOf, systemContextOf } from "../context.ts";
import { parseAnnotations } from "../flags.ts";
import { printResult, requireFormat, type ResultFormat } from "../output.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { type DetailFlags, setDetails } from "./edit.ts";
import { addSources, findSources, type SourceFlags } from "./sources.ts";

/** Flags of `append`. */
export interface AppendFlags extends SourceFlags, DetailFlags, ResultFormat, ProgressFlags {
  annotation?: string[];
  create?: boolean;
}

/** `append REMOTE IMAGE…`: images into a list in a registry, in one step and without a store. */
export async function append(operands: string[], flags: AppendFlags, context: CommandContext): Promise<void> {
  const [remote, ...images] = operands as [string, ...string[]];
  requireFormat(flags);
  const annotations = parseAnnotations(flags.annotation, (pair) => context.persona.badAnnotation(pair, "entry"));
  await using store = await openStoreOf(context);
  const sources = await findSources(store, images, flags);
  const options = {
    systemContext: await systemContextOf(flags, context, sources),
    create: flags.create,
    signal: context.signal,
  };
  const { digest } = await withProgress(flags, (view) =>
    editRemoteList(remote, async (list) => {
      for (const added of await addSources(list, sources, flags, context)) {
        setDetails(list, added, flags, annotations);
      }
    }, { ...options, ...view }));
  printResult(flags, [digest], { digest });
}
