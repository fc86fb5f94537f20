import type { EntryAnnotations } from "../../actions/room.ts";
import { findSimilar } from "../../internal/room.ts";
import { isObject } from "../../json/room.ts";
import { findPlatform } from "../../spec/room.ts";
import { UsageError } from "../errors.ts";
import { readJson } from "./names.ts";

/** Annotations of an index and its entries. */
export interface ComposedAnnotations {
  /** Annotations of the index itself. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Annotations of its entries, in the order of the flags. */
  readonly entryAnnotations: readonly EntryAnnotations[];
  /** Number of annotations for other manifests, which were left out. */
  readonly ignored: number;
}

/** Types of annotations, as buildx has them: each names a place that stores annotations. */
const TYPES = ["index", "manifest-descriptor", "manifest", "index-descriptor"] as const;
type AnnotationType = (typeof TYPES)[number];

/** `TYPE[,TYPE][PLATFORM]:KEY`. Keys with a dot before the colon have no type, as types have none. */
const TYPED = /^([a-z][a-z-]*(?:,[a-z][a-z-]*)*)(?:\[([^\]]*)\])?:(.*)$/s;

/**
 * Parses annotations in the grammar of buildx: `[TYPE[,TYPE][PLATFORM]:]KEY=VALUE`. Without a type, the index gets the
 * annotation.
 *
 * @param options.isLenient Leave out annotations of manifests, which only a build can set, instead of failing.
 * @throws {UsageError} If an annotation has no `=`, an unknown type or platform, or a type that cannot be set.
 */
export function parseAnnotationFlags(
  texts: readonly string[],
  { isLenient = false }: { isLenient?: boolean } = {},
): ComposedAnnotations {
  const annotations: Record<string, string> = {};
  const entryAnnotations: EntryAnnotations[] = [];
  let ignored = 0;
  for (const text of texts) {
    const { types, platform, key, value } = parseAnnotation(text);
    const unsettable = types.find((type) => type !== "index" && type !== "manifest-descriptor");
    if (unsettable !== undefined && !isLenient) throw new UsageError(explainUnsettable(text, unsettable));
    if (unsettable !== undefined) ignored++;
    if (types.includes("index")) annotations[key] = value;
    if (!types.includes("manifest-descriptor")) continue;
    entryAnnotations.push({ ...(platform === undefined ? {} : { platform }), annotations: { [key]: value } });
  }
  return { annotations, entryAnnotations, ignored };
}

function parseAnnotation(text: string) {
  const at = text.indexOf("=");
  if (at < 0) throw new UsageError(`no "=" found in annotation ${JSON.stringify(text)}`);
  const [name, value] = [text.slice(0, at), text.slice(at + 1)];
  const [, typed, platform, typedKey] = TYPED.exec(name) ?? [];
  const types = typed === undefined ? ["index" as const] : typed.split(",").map((type) => parseType(type, text));
  const key = typedKey ?? name;
  if (key === "") throw new UsageError(`no key before "=" in annotation ${JSON.stringify(text)}`);
  if (platform !== undefined && !findPlatform(platform)) {
    throw new UsageError(`${JSON.stringify(platform)} in annotation ${JSON.stringify(text)} is not a platform`);
  }
  return { types, platform, key, value };
}

function parseType(type: string, text: string): AnnotationType {
  const known = TYPES.find((name) => name === type);
  if (known) return known;
  const similar = findSimilar(type, TYPES);
  const cure = similar ? `did you mean ${similar}?` : "use index or manifest-descriptor";
  throw new UsageError(`unknown type ${JSON.stringify(type)} in annotation ${JSON.stringify(text)}: ${cure}`);
}

function explainUnsettable(text: string, type: AnnotationType): string {
  const reason = type === "manifest"
    ? "the manifest of an image cannot change without changing its digest: annotate it when the image is built"
    : "no other index names this one";
  return `cannot set annotation ${JSON.stringify(text)}: ${reason}. Use index: or manifest-descriptor:`;
}

/**
 * Reads annotations from a file: lines as in {@linkcode parseAnnotationFlags}, JSON of docker/metadata-action, or an
 * object of keys and values.
 *
 * @throws {UsageError} If the text has another form.
 */
export function parseAnnotationFile(text: string, origin: string): ComposedAnnotations {
  return parseAnnotationFlags(listAnnotations(text, origin), { isLenient: true });
}

function listAnnotations(text: string, origin: string): string[] {
  if (!/^\s*[[{]/.test(text)) {
    return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  }
  const value = readJson(text, origin);
  const member = isObject(value) && Array.isArray(value.annotations) ? value.annotations : value;
  if (Array.isArray(member) && member.every((item) => typeof item === "string")) return member;
  const pairs = isObject(member)
    ? Object.entries(isObject(member.annotations) ? member.annotations : member)
    : undefined;
  if (pairs?.every(([, value]) => typeof value === "string")) {
    return pairs.map(([key, value]) => `index:${key}=${value}`);
  }
  throw new UsageError(`${origin}: the JSON must have annotations: an array of texts, or an object of texts`);
}
