import { createInstanceFinder } from "../../actions/room.ts";
import { editRemoteList, findInstance, type List } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, openLocalStore, type RegistryFlags } from "../context.ts";
import { assertFormat, printResult, type ResultFormat } from "../output.ts";
import { noteRemoved } from "./remove.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";

/** Flags of `drop`. */
export interface DropFlags extends RegistryFlags, ResultFormat, ProgressFlags {}

/** Runs `drop REMOTE INSTANCE…`, which removes instances from a list in a registry without a local list. */
export async function drop(operands: string[], flags: DropFlags, context: CommandContext): Promise<void> {
  const [remote, ...instances] = operands as [string, ...string[]];
  assertFormat(flags);
  const call = { systemContext: await createSystemContext(flags, context), signal: context.signal };
  await using store = await openLocalStore(context);
  const find = createInstanceFinder(async (list: List, text) => [await findInstance(list, text, { store, ...call })]);
  let attestations: string[] = [];
  const { digest, unchanged } = await withProgress(flags, (view) =>
    editRemoteList(remote, async (list) => {
      const digests: string[] = [];
      for (const text of instances) digests.push(...await find(list, text));
      attestations = list.removeWithAttestations(digests);
    }, { ...call, ...view }));
  noteRemoved(attestations);
  printResult(flags, [digest], { digest, unchanged, ...(attestations.length > 0 ? { attestations } : {}) });
}
