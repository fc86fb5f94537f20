import { compareUtf8, encodeBase64, encodeUtf8 } from "../internal/room.ts";
import { encodeGoJsonText, indentJson, RawJson, rawMembers } from "../json/room.ts";
import type { Credentials } from "../spec/room.ts";

/** Members of an entry that a login replaces. Others, such as `email`, are kept. */
const SECRETS = ["auth", "username", "password", "identitytoken", "registrytoken"];

/**
 * Returns the new value of an entry, given its members.
 *
 * @returns `undefined` to delete the entry.
 */
export type EntryEdit = (members: Map<string, RawJson>) => Map<string, RawJson> | undefined;

/** Creates an edit that replaces the secrets of an entry; without credentials, it only removes them. */
export function replaceSecrets(credentials?: Required<Pick<Credentials, "username" | "password">>): EntryEdit {
  return (members) => {
    for (const name of members.keys()) if (SECRETS.includes(name.toLowerCase())) members.delete(name);
    if (credentials === undefined) return members;
    const { username, password } = credentials;
    const auth = new RawJson(JSON.stringify(encodeBase64(encodeUtf8(`${username}:${password}`))));
    return new Map([["auth", auth], ...members]);
  };
}

/** Edit that deletes an entry. */
export const deleteEntry: EntryEdit = () => undefined;

/**
 * Edits entries of a credential file's `auths`. Everything else is kept: other tools have their own members in the same
 * file. The result is written as podman writes it: indented with tabs, entries sorted, no newline at the end.
 *
 * @param bytes Content of the file; `undefined`: it does not exist.
 * @param path Path of the file for error messages.
 * @param edits Edits by key; a key without an entry begins as an empty one.
 * @throws {ManifestsSyntaxError} With code `INVALID_JSON` if the file is not a JSON object.
 */
export function editAuthFile(
  bytes: Uint8Array | undefined,
  path: string,
  edits: ReadonlyMap<string, EntryEdit>,
): Uint8Array<ArrayBuffer> {
  const root = bytes ? rawMembers(bytes, path) : new Map<string, RawJson>();
  const auths = readObject(root.get("auths"), path);
  for (const [key, edit] of edits) {
    const edited = edit(readObject(auths.get(key), path));
    if (edited) auths.set(key, new RawJson(encodeGoJsonText(edited)));
    else auths.delete(key);
  }
  root.set("auths", new RawJson(encodeGoJsonText(new Map([...auths].toSorted(byKey)))));
  return encodeUtf8(indentJson(encodeGoJsonText(root), "\t"));
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return compareUtf8(a, b);
}

/** Returns the members of an object; none for a value of another type, which no tool can use. */
function readObject(value: RawJson | undefined, path: string): Map<string, RawJson> {
  return value?.text.startsWith("{") ? rawMembers(value.text, path) : new Map();
}
