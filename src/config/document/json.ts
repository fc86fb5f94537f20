import { isObject, parseJson } from "../../json/room.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { ConfTable } from "./table.ts";
import type { KeyPath } from "./key_path.ts";

/**
 * Parses a JSON file into its outermost object. No error repeats what the file holds, which may be secret.
 *
 * @param path Names the file in errors.
 * @throws {ConfigFileError} With the line, where the file does not parse.
 */
export function parseJsonFile(bytes: Uint8Array, path: string): ConfTable {
  const text = new TextDecoder().decode(bytes);
  try {
    const { value } = parseJson(bytes, path);
    if (isObject(value)) return ConfTable.of({ path, value, findLine: (key) => findJsonLine(text, key) });
  } catch (cause) {
    const line = findErrorLine(text);
    throw new ConfigFileError(
      { path, line },
      line === undefined ? getProblem((cause as Error).message) : "it is not JSON",
    );
  }
  throw new ConfigFileError({ path }, "it is not a JSON object");
}

/** What `parseJson` says is wrong, without what it is about. */
function getProblem(message: string): string {
  return message.slice(message.indexOf(" as ") + " as ".length);
}

/**
 * The line on which text stops being JSON; `undefined` where it is JSON. The engine does not always say where, and what
 * it says quotes the text.
 */
function findErrorLine(text: string): number | undefined {
  if (endsWell(text) === "whole") return undefined;
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (endsWell(text.slice(0, middle)) === "no") bad = middle;
    else good = middle;
  }
  return text.slice(0, good).split("\n").length;
}

/** Whether text is JSON, or the beginning of some. */
function endsWell(text: string): "whole" | "so far" | "no" {
  try {
    JSON.parse(text);
    return "whole";
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message)?.[1];
    const isCut = /end of JSON input|Unterminated/.test(message) || Number(position) === text.length;
    return isCut ? "so far" : "no";
  }
}

/** The line of a key: where it stands after the keys above it. */
function findJsonLine(text: string, path: KeyPath): number | undefined {
  let at = 0;
  for (const step of path) {
    const found = typeof step === "string" ? text.indexOf(JSON.stringify(step), at) : at;
    if (found < 0) break;
    at = found;
  }
  return at === 0 ? undefined : text.slice(0, at).split("\n").length;
}
