import { join } from "@std/path";
import { compareUtf8 } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/** An environment variable; `undefined` where it is unset or may not be read. Never prompts. */
export function readEnv(name: string): string | undefined {
  const allowed = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
  return allowed ? Deno.env.get(name) : undefined;
}

/** Whether a file may be read. Never prompts. */
export function mayRead(path: string): boolean {
  return Deno.permissions.querySync({ name: "read", path }).state === "granted";
}

/** The user's id, 0 where there is none; `undefined` where it may not be asked. Never prompts. */
export function findUid(): number | undefined {
  const allowed = Deno.permissions.querySync({ name: "sys", kind: "uid" }).state === "granted";
  return allowed ? Deno.uid() ?? 0 : undefined;
}

/**
 * The user's id. Never prompts.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE` where it may not be asked: to guess root, or not root,
 * would mean another user's files.
 */
export function currentUid(): number {
  const uid = findUid();
  if (uid !== undefined) return uid;
  throw new ManifestsError(
    "CONFIG_FILE_UNREADABLE",
    "Cannot find the user's files as the user is not known: run with --allow-sys=uid, or name the files",
  );
}

/** A file's content; `undefined` where it is missing. What is there but cannot be read is an error that names it. */
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

/** As {@linkcode readOptional}, but a missing file is an error too. */
export async function readRequired(path: string, what: string): Promise<Uint8Array> {
  const bytes = await readOptional(path);
  if (bytes) return bytes;
  throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${what} ${path}: no such file`);
}

/** As {@linkcode readOptional}, for files that nobody named: those that may not be read are as if missing. No prompt. */
export async function readDefault(path: string): Promise<Uint8Array | undefined> {
  return mayRead(path) ? await readOptional(path) : undefined;
}

/**
 * The names, sorted, in a folder that end in `suffix`; none where the folder is missing. Those of folders are left out
 * unless asked for.
 */
export async function listFiles(
  folder: string,
  suffix: string,
  options: { folders?: boolean } = {},
): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    const wanted = entries.filter(({ name, isDirectory }) =>
      name.endsWith(suffix) && (!isDirectory || options.folders === true)
    );
    return wanted.map(({ name }) => name).sort(compareUtf8);
  } catch (error) {
    if (isMissing(error)) return [];
    throw new ManifestsError("CONFIG_FILE_UNREADABLE", `Cannot read ${folder}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A file that was read. */
export interface ReadFile {
  /** Where it is. */
  readonly path: string;
  /** Its content. */
  readonly bytes: Uint8Array;
}

/** The files of {@linkcode listFiles} with their content. One that goes while they are read is left out. */
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
