import { join } from "@std/path";
import { compareUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** Returns an environment variable; `undefined` if it is not set or access is not permitted. Never prompts. */
export function readEnv(name: string): string | undefined {
  return mayReadEnv(name) ? Deno.env.get(name) : undefined;
}

/** Whether the permission to read an environment variable is granted. Never prompts. */
export function mayReadEnv(name: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
}

/** Whether the permission to read a file is granted. Never prompts. */
export function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** Finds the user's id, 0 on systems without one; `undefined` if access is not permitted. Never prompts. */
export function findUid(): number | undefined {
  const allowed = Deno.permissions.querySync({ name: "sys", kind: "uid" }).state === "granted";
  return allowed ? Deno.uid() ?? 0 : undefined;
}

/**
 * Finds the home folder of the user: `HOME`, or else that in `/etc/passwd`, as podman and skopeo do for services, which
 * have no such variable. `undefined` if there is none or access is not permitted. Never prompts.
 */
export function findHome(): string | undefined {
  // The variable may name another folder than the file, whose policy and credentials must not be used then.
  if (!mayReadEnv("HOME")) return undefined;
  const home = Deno.env.get("HOME");
  if (home) return home;
  const uid = findUid();
  return uid === undefined || !mayRead("/etc/passwd") ? undefined : findHomeOf(uid);
}

/** Finds the home folder of a user in `/etc/passwd`; `undefined` if it cannot be read or does not have the user. */
function findHomeOf(uid: number): string | undefined {
  try {
    const users = Deno.readTextFileSync("/etc/passwd").split("\n").map((line) => line.split(":"));
    return users.find((fields) => fields[2] === `${uid}`)?.[5] || undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the user's id. Never prompts.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE` if access to it is not permitted. A wrong guess would
 * lead to the files of another user.
 */
export function currentUid(): number {
  const uid = findUid();
  if (uid !== undefined) return uid;
  throw new ManifestsError(
    "CONFIG_FILE_UNREADABLE",
    "Cannot find the user's files: the user id is not known: run with --allow-sys=uid, or name the files",
  );
}

/** Reads a file; `undefined` if it does not exist. An existing file that cannot be read is an error that names it. */
export async function readOptional(path: string): Promise<Uint8Array | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** Reads a file like {@linkcode readOptional}, but a missing file is an error too. */
export async function readRequired(path: string, what: string): Promise<Uint8Array> {
  const bytes = await readOptional(path);
  if (bytes) return bytes;
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${what} ${path}: no such file`);
}

/** Reads a default file like {@linkcode readOptional}; without permission it is treated as missing. Never prompts. */
export async function readDefault(path: string): Promise<Uint8Array | undefined> {
  return mayRead(path) ? await readOptional(path) : undefined;
}

/**
 * Returns the sorted names in a folder that end in `suffix`; none if the folder does not exist. Subfolders are omitted,
 * unless `options.folders` is `true`.
 */
export async function listFiles(
  folder: string,
  suffix: string,
  options: { folders?: boolean } = {},
): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const matching = entries.filter(({ name, isDirectory }) =>
      name.endsWith(suffix) && (!isDirectory || options.folders === true)
    );
    return matching.map(({ name }) => name).sort(compareUtf8);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A file with its content. */
export interface ReadFile {
  /** Path of the file that was read. */
  readonly path: string;
  /** Content of the file, not decoded. */
  readonly bytes: Uint8Array;
}

/** Reads the files of {@linkcode listFiles}. A file that is deleted at the same time is omitted. */
export async function readFolder(folder: string, suffix: string): Promise<ReadFile[]> {
  const files = await Promise.all((await listFiles(folder, suffix)).map(async (name) => {
    const path = join(folder, name);
    const bytes = await readOptional(path);
    return bytes && { path, bytes };
  }));
  return files.filter((file) => file !== undefined);
}

function isMissing(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}
