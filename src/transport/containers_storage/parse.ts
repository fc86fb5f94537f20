import {
  isDigest,
  isManifestsError,
  ManifestsSyntaxError,
  type NamedReference,
  parseReference,
} from "../../spec/room.ts";

/** The store that a reference names. Missing parts are taken from storage.conf, as podman does. */
export interface StoreSpec {
  /** Storage driver, such as `overlay`. */
  readonly driver?: string | undefined;
  /** Root folder of the data that is kept. */
  readonly root?: string | undefined;
  /** Root folder of the data that may be lost at a reboot. */
  readonly runRoot?: string | undefined;
  /** Driver options, each `key=value`. */
  readonly options?: readonly string[] | undefined;
}

/** A reference, parsed without reading the store. */
export interface ParsedStorageName {
  /** Store of the image; `undefined` for the default store. */
  readonly store: StoreSpec | undefined;
  /** Name of the image; `undefined` if the reference has only an id. */
  readonly named: NamedReference | undefined;
  /** Id of the image, or a prefix of it; `undefined` if the reference has none. */
  readonly id: string | undefined;
  /** Text that is a prefix of an id if the store has such an image, and a name otherwise; usually `undefined`. */
  readonly maybeId: string | undefined;
}

/** Parses the text after `containers-storage:`. Throws `INVALID_REFERENCE`. */
export function parseStorageName(text: string): ParsedStorageName {
  const fail = (problem: string): never => {
    throw new ManifestsSyntaxError(
      "INVALID_REFERENCE",
      `Cannot parse containers-storage reference ${JSON.stringify(text)}: ${problem}`,
    );
  };
  const end = text.indexOf("]");
  if (text.startsWith("[") && end < 0) fail(`store specifier in ${JSON.stringify(text)} did not end`);
  const hasStore = text.startsWith("[");
  const store = hasStore ? parseStore(text.slice(1, end), fail) : undefined;
  const { name, id } = splitId(hasStore ? text.slice(end + 1) : text, fail);
  if (name === "") return id ? { store, named: undefined, id, maybeId: undefined } : fail("it names no image");
  const mayBeId = id === undefined && /^[0-9a-f]{3,64}$/.test(name);
  if (mayBeId && name.length === 64) return { store, named: undefined, id: name, maybeId: undefined };
  try {
    const named = parseReference(name);
    const full = named.digest === undefined ? named.withDefaultTag() : named;
    return { store, named: full, id, maybeId: mayBeId ? name : undefined };
  } catch (error) {
    if (!isManifestsError(error)) throw error;
    return fail(error.message);
  }
}

/** Parses a store specifier without its brackets: `[driver@]root[+runroot][:option,…]`. */
function parseStore(text: string, fail: (problem: string) => never): StoreSpec {
  const [, driver, place = ""] = /^(?:([^@]*)@)?(.*)$/s.exec(text)!;
  if (driver === "" || place === "") fail("invalid store specifier");
  const colon = place.indexOf(":");
  const roots = colon < 0 ? place : place.slice(0, colon);
  const options = colon < 0 ? [] : place.slice(colon + 1).split(",");
  if (options.some((option) => !/^[^=]+=/.test(option))) fail("unable to parse key/value option");
  const plus = roots.indexOf("+");
  const root = plus < 0 ? roots : roots.slice(0, plus);
  const runRoot = plus < 0 ? "" : roots.slice(plus + 1);
  for (const path of [root, runRoot]) {
    if (path !== "" && !path.startsWith("/")) fail(`path name ${path} is not absolute`);
  }
  return { driver, root: root || undefined, runRoot: runRoot || undefined, options };
}

/** Splits a name from the id after its last `@`. A digest in that place belongs to the name. */
function splitId(text: string, fail: (problem: string) => never): { name: string; id: string | undefined } {
  const at = text.lastIndexOf("@");
  if (at < 0) return { name: text, id: undefined };
  const last = text.slice(at + 1);
  if (last === "") fail(`empty trailing digest or ID in ${JSON.stringify(text)}`);
  if (isDigest(last)) return { name: text, id: undefined };
  if (!/^[0-9a-f]{3,64}$/.test(last)) fail(`${JSON.stringify(last)} does not look like an image ID or digest`);
  return { name: text.slice(0, at), id: last };
}

/** Returns the store specifier as references print it; `""` for the default store. */
export function formatStore(store: StoreSpec | undefined): string {
  if (!store) return "";
  const { driver, root = "", runRoot, options = [] } = store;
  const place = `${root}${runRoot ? `+${runRoot}` : ""}${options.length > 0 ? `:${options.join(",")}` : ""}`;
  return `[${driver ? `${driver}@` : ""}${place}]`;
}
