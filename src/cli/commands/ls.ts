import { listStoredLists } from "../../list/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { formatTable } from "../format/table.ts";
import { assertFormat, getStdoutStyle, printResult, type ResultFormat } from "../output.ts";

/** Flags of `ls`. */
export interface LsFlags extends ResultFormat {
  quiet?: boolean;
}

/** Runs `ls`, which shows the lists in the local store. */
export async function ls(_operands: string[], flags: LsFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  await using store = await openLocalStore(context);
  const lists = await Array.fromAsync(listStoredLists(store));
  if (flags.quiet) return printResult(flags, lists.map(({ id }) => id), lists.map(({ id }) => id));
  const { bold, bad } = getStdoutStyle();
  const rows = lists.flatMap(({ id, names, created, platforms, problem }) =>
    (names.length > 0 ? names : ["<none>"]).map((name) => [
      name,
      id.slice(0, 12),
      created.slice(0, 19).replace("T", " "),
      String(platforms.length),
      problem === undefined ? [...new Set(platforms.map((name) => name || "-"))].join(", ") : bad("cannot be read"),
    ])
  );
  const header = ["NAME", "ID", "CREATED", "IMAGES", "PLATFORMS"].map(bold);
  printResult(flags, formatTable(header, rows), lists);
}
