import { diffIndexes } from "../../list/room.ts";
import { isIndex, type ParsedIndex } from "../../spec/room.ts";
import { fetchManifest } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, LocalStore, type RegistryFlags } from "../context.ts";
import { ExitError } from "../errors.ts";
import { formatDifference } from "../format/difference.ts";
import { assertFormat, getStdoutStyle, printResult, type ResultFormat } from "../output.ts";
import { assertWebFlags, type WebFlags } from "../web/flags.ts";
import { findAny } from "./places.ts";

/** Flags of `diff`. */
export interface DiffFlags extends RegistryFlags, ResultFormat, WebFlags {}

/** Runs `diff A B`. Exits with 0 if the lists are equal, and with 1 if they differ. */
export async function diff([a, b]: string[], flags: DiffFlags, context: CommandContext): Promise<void> {
  assertFormat(flags);
  await using store = new LocalStore(context);
  const call = { systemContext: await createSystemContext(flags, context), signal: context.signal };
  if (assertWebFlags(flags, ["format"])) {
    const { serveImages } = await import("../web/serve_images.ts");
    return await serveImages([a!, b!], flags, { store, ...call });
  }
  const read = async (name: string): Promise<ParsedIndex> => {
    const manifest = await fetchManifest(await findAny(store, name), call);
    if (isIndex(manifest)) return manifest;
    throw new Error(`${name}: image is not a manifest list but of type ${manifest.mediaType}`);
  };
  const difference = diffIndexes(await read(a!), await read(b!));
  const lines = [
    ...difference.fields.map((field) => `! ${field} differs`),
    ...difference.instances.map((instance) => formatDifference(instance, getStdoutStyle())),
  ];
  printResult(flags, lines, difference);
  if (lines.length > 0) throw new ExitError(1);
}
