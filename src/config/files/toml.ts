import { parsePlainToml, type TomlParser } from "../document/mod.ts";

/** Chooses the parser for some documents: the complete one is only loaded for documents that need it. */
export async function chooseTomlParser(texts: readonly string[]): Promise<TomlParser> {
  const plain = new Map(texts.map((text) => [text, parsePlainToml(text)]));
  if (texts.every((text) => plain.get(text))) return (text) => plain.get(text);
  const { parse } = await import("smol-toml");
  return parse;
}
