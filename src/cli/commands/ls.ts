import { listStoredLists } from "../../list/room.ts";
import { type ImageStore, mayBeListRecord } from "../../store/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { formatTable } from "../format/table.ts";
import { assertFormat, getStdoutStyle, printResult, type ResultFormat } from "../output.ts";

/** Flags of `ls`. */
export interface LsFlags extends ResultFormat {
  images?: boolean;
  quiet?: boolean;
}

/** Runs `ls`, which shows the lists in the local store, or with `--images` the other images. */
export async function ls(_operands: string[], flags: LsFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  await using store = await openLocalStore(context);
  if (flags.images) return await listImages(store, flags);
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

/** Shows the images of the store that are not lists. */
async function listImages(store: ImageStore, flags: LsFlags): Promise<void> {
  const images = (await store.listImages()).filter((image) => !mayBeListRecord(image));
  const ids = images.map(({ id }) => id);
  if (flags.quiet) return printResult(flags, ids, ids);
  const { bold } = getStdoutStyle();
  const rows = images.flatMap(({ id, names, created, digest = "" }) =>
    (names.length > 0 ? names : ["<none>"]).map((name) => [
      name,
      id.slice(0, 12),
      created.slice(0, 19).replace("T", " "),
      digest,
    ])
  );
  const result = images.map(({ id, names, created, digest, readOnly }) => ({ id, names, created, digest, readOnly }));
  printResult(flags, formatTable(["NAME", "ID", "CREATED", "DIGEST"].map(bold), rows), result);
}
