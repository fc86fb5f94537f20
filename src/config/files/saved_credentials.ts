import { dirname, resolve } from "@std/path";
import type { CallOptions } from "../../internal/room.ts";
import { lockFolder, writeAtomically } from "../../internal/host/room.ts";
import { type Credentials, isManifestsError, ManifestsError } from "../../spec/room.ts";
import { type AuthFile, isKeyOf, parseAuthFile } from "../auth_file.ts";
import { deleteEntry, editAuthFile, type EntryEdit, replaceSecrets } from "../auth_file_edit.ts";
import { findInSources } from "./auth_files.ts";
import { type WritableAuthPath, writableFile } from "./auth_paths.ts";
import type { ConfigurationChoices } from "./choices.ts";
import { eraseFromHelper, listInHelper, storeInHelper } from "./credential_helpers.ts";
import { readOptional } from "./host.ts";

/** Key of Docker Hub in Docker's `config.json`. */
const DOCKER_HUB_KEY = "https://index.docker.io/v1/";

/** The places in which credentials are saved. */
export interface SavedCredentialsOptions {
  /** Locations of the credential file and other configuration files. */
  readonly choices: ConfigurationChoices;
  /** `credential-helpers` of `registries.conf`; none: only the credential file. */
  readonly helpers: readonly string[];
  /** Aborts the wait for another process that changes the same file. */
  readonly signal?: AbortSignal | undefined;
}

/** A user name and a password. */
export type Password = Required<Pick<Credentials, "username" | "password">>;

/**
 * Saves the credentials of a registry or namespace. The first source that accepts them is used: a helper, or the
 * credential file, which may itself name a helper.
 *
 * @param key As `parseCredentialKey` returns it.
 * @returns Path of the file, or name of the helper: `credential helper: NAME`.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE`, `CREDENTIALS_NOT_SAVED` or
 * `CREDENTIAL_HELPER_FAILED`.
 */
export async function saveCredentials(
  key: string,
  credentials: Password,
  { choices, helpers, signal }: SavedCredentialsOptions,
): Promise<string> {
  const location = await findInSources(`save the credentials for ${key}`, helpers, async (helper) => {
    if (helper === undefined) return await saveInFile(key, credentials, writableFile(choices), { signal });
    if (key.includes("/")) fail(key, `helper ${JSON.stringify(helper)} only supports registries, not namespaces`);
    await storeInHelper(helper, key, credentials);
    return formatHelper(helper);
  });
  return location!;
}

async function saveInFile(
  key: string,
  credentials: Password,
  target: WritableAuthPath,
  call: CallOptions,
): Promise<string> {
  const written = convertKey(key, target);
  const { file } = await read(target.path);
  const helper = (file?.credHelpers.get(written) ?? file?.credHelpers.get(key))?.();
  if (helper) {
    await storeInHelper(helper, written, credentials);
    return formatHelper(helper);
  }
  // Docker reads only this helper if there is one. Podman ignores it in its own file, so the file is used there.
  const store = target.isDocker ? file?.credsStore() : undefined;
  if (store !== undefined) await storeInHelper(store, written, credentials);
  await edit(
    target.path,
    () => new Map([[written, replaceSecrets(store === undefined ? credentials : undefined)]]),
    call,
  );
  return store === undefined ? target.path : formatHelper(store);
}

/**
 * Checks that credentials can be saved, before the user is asked for them.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` or `CREDENTIALS_NOT_SAVED`.
 */
export async function assertSavable(key: string, { choices, helpers }: SavedCredentialsOptions): Promise<void> {
  if (helpers.length > 0) return;
  const target = writableFile(choices);
  convertKey(key, target);
  await read(target.path);
}

/**
 * Deletes the saved credentials of a registry or namespace, in every spelling, from all sources.
 *
 * @returns `false` if there were none.
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` or `CREDENTIAL_HELPER_FAILED`.
 */
export async function eraseCredentials(key: string, options: SavedCredentialsOptions): Promise<boolean> {
  let erased = false;
  const { choices, helpers, signal } = options;
  await findInSources(`delete the credentials for ${key}`, helpers, async (helper) => {
    if (helper === undefined) erased = await eraseInFile(key, writableFile(choices), { signal }) || erased;
    else if (!key.includes("/")) erased = await eraseFromHelper(helper, key) || erased;
    // The next source may have credentials too.
    return undefined;
  });
  return erased;
}

async function eraseInFile(key: string, target: WritableAuthPath, call: CallOptions): Promise<boolean> {
  const written = convertKey(key, target);
  const { file } = await read(target.path);
  if (!file) return false;
  let erased = false;
  const helper = (file.credHelpers.get(written) ?? file.credHelpers.get(key))?.();
  const store = target.isDocker ? file.credsStore() : undefined;
  for (const name of [helper, store]) if (name) erased = await eraseFromHelper(name, written) || erased;
  const isKey = (at: string) => at === written || isKeyOf(at, key);
  if (![...file.auths.keys()].some(isKey)) return erased;
  await edit(target.path, (keys) => new Map(keys.filter(isKey).map((at) => [at, deleteEntry])), call);
  return true;
}

/**
 * Deletes all saved credentials from all sources. The configuration of helpers is kept.
 *
 * @throws {ManifestsError} With code `CONFIG_FILE_INVALID`, `CONFIG_FILE_UNREADABLE` or `CREDENTIAL_HELPER_FAILED`.
 */
export async function eraseAllCredentials({ choices, helpers, signal }: SavedCredentialsOptions): Promise<void> {
  await findInSources("delete the credentials", helpers, async (helper) => {
    if (helper === undefined) await eraseAllInFile(writableFile(choices), { signal });
    else for (const key of await listInHelper(helper)) await eraseFromHelper(helper, key);
    return undefined;
  });
}

async function eraseAllInFile({ path, isDocker }: WritableAuthPath, call: CallOptions): Promise<void> {
  const { file } = await read(path);
  if (!file) return;
  for (const [key, helper] of file.credHelpers) await eraseFromHelper(helper(), key);
  const store = isDocker ? file.credsStore() : undefined;
  if (store !== undefined) { for (const key of file.auths.keys()) await eraseFromHelper(store, key); }
  if (file.auths.size === 0) return;
  await edit(path, (keys) => new Map(keys.map((key) => [key, deleteEntry])), call);
}

/** Returns the key as it is written to a file. */
function convertKey(key: string, { isDocker }: WritableAuthPath): string {
  if (!isDocker) return key;
  if (key.includes("/")) fail(key, "Docker's file only supports registries, not namespaces; use --authfile");
  return key === "docker.io" ? DOCKER_HUB_KEY : key;
}

async function read(path: string): Promise<{ bytes: Uint8Array | undefined; file: AuthFile | undefined }> {
  const bytes = await readOptional(path);
  return { bytes, file: bytes && parseAuthFile(bytes, path) };
}

/**
 * Edits a credential file. Other processes that use this function wait, and readers see the old or the new file. A link
 * is followed, so that a file that is kept elsewhere stays there.
 */
async function edit(
  path: string,
  choose: (keys: string[]) => ReadonlyMap<string, EntryEdit>,
  { signal }: CallOptions,
): Promise<void> {
  try {
    const target = await followLink(path);
    await Deno.mkdir(dirname(target), { recursive: true, mode: 0o700 });
    // Windows cannot open a folder; the file is still replaced as a whole there.
    using _lock = Deno.build.os === "windows" ? undefined : await lockFolder(dirname(target), signal);
    const { bytes, file } = await read(target);
    await writeAtomically(target, editAuthFile(bytes, path, choose([...file?.auths.keys() ?? []])));
  } catch (error) {
    if (isManifestsError(error) || signal?.aborted) throw error;
    const problem = (error as Error).message;
    throw new ManifestsError("CREDENTIALS_NOT_SAVED", `Cannot write credential file ${path}: ${problem}`, {
      cause: error,
    });
  }
}

async function followLink(path: string): Promise<string> {
  const isLink = await Deno.lstat(path).then((info) => info.isSymlink, () => false);
  return isLink ? await followLink(resolve(dirname(path), await Deno.readLink(path))) : path;
}

function formatHelper(helper: string): string {
  return `credential helper: ${helper}`;
}

function fail(key: string, problem: string): never {
  throw new ManifestsError("CREDENTIALS_NOT_SAVED", `Cannot save credentials for ${JSON.stringify(key)}: ${problem}`);
}
