import { isObject, parseJson } from "../../json/room.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { ConfTable } from "./table.ts";
import type { KeyPath } from "./key_path.ts";

/**
 * Parses a JSON file into its outermost object. Error messages do not quote its content, which may be secret.
 *
 * @param path Path of the file for error messages.
 * @throws {ConfigFileError} If the file cannot be parsed or is not an object; with the line, if it is known.
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
      line === undefined ? getProblem((cause as Error).message, path) : "it is not JSON",
    );
  }
  throw new ConfigFileError({ path }, "it is not a JSON object");
}

/** Returns the problem in a message of `parseJson`, without the action before it. */
function getProblem(message: string, path: string): string {
  return message.replace(`Cannot parse ${path}: `, "");
}

/**
 * Finds the line of a syntax error; `undefined` if the text is JSON. The engine does not always report the position,
 * and its message quotes the text, so the longest valid beginning is found by bisection.
 */
function findErrorLine(text: string): number | undefined {
  if (classify(text) === "whole") return undefined;
  let [good, bad] = [0, text.length + 1];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (classify(text.slice(0, middle)) === "no") bad = middle;
    else good = middle;
  }
  return text.slice(0, good).split("\n").length;
}

/** Whether text is complete JSON, a beginning of JSON, or neither. */
function classify(text: string): "whole" | "so far" | "no" {
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

/** Finds the line of a key: its first occurrence after the keys of its parents. */
function findJsonLine(text: string, path: KeyPath): number | undefined {
  let at = 0;
  for (const step of path) {
    const found = typeof step === "string" ? text.indexOf(JSON.stringify(step), at) : at;
    if (found < 0) break;
    at = found;
  }
  return at === 0 ? undefined : text.slice(0, at).split("\n").length;
}
