import {
  isDigest,
  isManifestsError,
  ManifestsSyntaxError,
  type NamedReference,
  parseReference,
} from "../../spec/room.ts";

/** Which store a reference means; what it leaves out is found as the real tools find it. */
export interface StoreSpec {
  /** Storage driver. */
  readonly driver?: string | undefined;
  /** Root of what lasts. */
  readonly root?: string | undefined;
  /** Root of what a reboot may forget. */
  readonly runRoot?: string | undefined;
  /** Driver options. */
  readonly options?: readonly string[] | undefined;
}

/** A reference, as far as it can be understood without looking into the store. */
export interface ParsedStorageName {
  /** The store; `undefined`: the default one. */
  readonly store: StoreSpec | undefined;
  /** The name of the image. */
  readonly named: NamedReference | undefined;
  /** Its id, or the first digits of one. */
  readonly id: string | undefined;
  /** Text that means an id if the store has one that begins so, and a name otherwise. */
  readonly maybeId: string | undefined;
}

/** Parses what follows `containers-storage:`. Throws `INVALID_REFERENCE`. */
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

/** `[driver@]root[+runroot][:option,…]`. */
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

/** Parts a name from an id after the last `@`; a digest there belongs to the name. */
function splitId(text: string, fail: (problem: string) => never): { name: string; id: string | undefined } {
  const at = text.lastIndexOf("@");
  if (at < 0) return { name: text, id: undefined };
  const last = text.slice(at + 1);
  if (last === "") fail(`empty trailing digest or ID in ${JSON.stringify(text)}`);
  if (isDigest(last)) return { name: text, id: undefined };
  if (!/^[0-9a-f]{3,64}$/.test(last)) fail(`${JSON.stringify(last)} does not look like an image ID or digest`);
  return { name: text.slice(0, at), id: last };
}

/** A store as references print it; empty for the default one. */
export function formatStore(store: StoreSpec | undefined): string {
  if (!store) return "";
  const { driver, root = "", runRoot, options = [] } = store;
  const place = `${root}${runRoot ? `+${runRoot}` : ""}${options.length > 0 ? `:${options.join(",")}` : ""}`;
  return `[${driver ? `${driver}@` : ""}${place}]`;
}
