/** Exact JSON: written as Go writes it, read as Go reads it but more strictly. */
export {
  base64OrNothing,
  encodeGoJson,
  encodeGoJsonText,
  type GoJsonValue,
  nonEmpty,
  RawJson,
  sortedMap,
} from "./encode.ts";
export { rawMembers } from "./members.ts";
export { isObject, parseJson, StructReader } from "./parse.ts";
export { type JsonSpan, scanJson } from "./scan.ts";
export { indentJson } from "./indent.ts";
export { readTime, ZERO_TIME } from "./time.ts";
