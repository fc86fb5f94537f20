import { type ImageProblem, validateImage } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore, type RegistryFlags } from "../context.ts";
import { ExitError } from "../errors.ts";
import { shortDigest } from "../format/description.ts";
import { count } from "../format/units.ts";
import { sanitize } from "../format/width.ts";
import { assertFormat, getStdoutStyle, printResult, type ResultFormat } from "../output.ts";
import { findAny } from "./places.ts";

/** Flags of `validate`. */
export interface ValidateFlags extends RegistryFlags, ResultFormat {
  full?: boolean;
}

/** Runs `validate IMAGE`. Exits with 0 if nothing is wrong, and with 1 otherwise. */
export async function validate([name]: string[], flags: ValidateFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  await using store = new LocalStore(context);
  const systemContext = await createSystemContext(flags, context);
  const found = await validateImage(await findAny(store, name!), {
    full: flags.full,
    systemContext,
    signal: context.signal,
  });
  const { good, bad } = getStdoutStyle();
  const describe = ({ instance, platform, problem }: ImageProblem, ...before: string[]) =>
    sanitize([...before, platform, instance && shortDigest(instance), problem].filter(Boolean).join(": "));
  const lines = found.problems.map((problem) => bad(describe(problem)));
  const unchecked = found.unchecked.map((problem) => describe(problem, "not checked"));
  const summary = `${found.digest}: ${count(found.images, "image")}, ${count(found.blobs, "blob")}`;
  const verdict = lines.length === 0 ? good("nothing is wrong") : count(lines.length, "problem");
  printResult(flags, [...lines, ...unchecked, `${summary}: ${verdict}`], found);
  if (lines.length > 0) throw new ExitError(1);
}
