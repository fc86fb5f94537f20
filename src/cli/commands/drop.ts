import { createInstanceFinder } from "../../actions/room.ts";
import { findInstance, type List } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore, type RegistryFlags } from "../context.ts";
import { assertFormat, printResult } from "../output.ts";
import { type RemoteEditFlags, runRemoteEdit } from "./remote_edit.ts";
import { noteRemoved } from "./remove.ts";

/** Flags of `drop`. */
export interface DropFlags extends RegistryFlags, RemoteEditFlags {}

/** Runs `drop REMOTE INSTANCE…`, which removes instances from a list in a registry without a local list. */
export async function drop(operands: string[], flags: DropFlags, context: CommandContext): Promise<void> {
  const [remote, ...instances] = operands as [string, ...string[]];
  assertFormat(flags);
  const call = { systemContext: await createSystemContext(flags, context), signal: context.signal };
  await using store = new LocalStore(context);
  const find = createInstanceFinder(async (
    list: List,
    text,
  ) => [await findInstance(list, text, { store: store.open, ...call })]);
  let attestations: string[] = [];
  const edit = async (list: List) => {
    const digests: string[] = [];
    for (const text of instances) digests.push(...await find(list, text));
    attestations = list.removeWithAttestations(digests);
  };
  const result = await runRemoteEdit({ remote, edit }, flags, call);
  if (!result) return;
  const { digest, unchanged } = result;
  noteRemoved(attestations);
  printResult(flags, [digest], { digest, unchanged, ...(attestations.length > 0 ? { attestations } : {}) });
}
