import { join } from "@std/path";
import { decodeConfigFile } from "../decode.ts";
import { parseRegistriesD, type RegistriesD } from "../registries_d.ts";
import { type ConfigurationChoices, homePath, implicitPath } from "./choices.ts";
import { findHome, findUid, listFiles, mayRead, readOptional } from "./host.ts";

const SYSTEM_FOLDER = "/etc/containers/registries.d";

/**
 * Loads `registries.d`: from the folder in `choices`, or else the user's if it exists, or else the system's. Empty if
 * no folder exists.
 *
 * @throws {ConfigFileError} If a file is invalid, or two files have sections for the same namespace.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function loadRegistriesD(choices: ConfigurationChoices = {}): Promise<RegistriesD> {
  const folder = choices.registriesDirPath || await defaultFolder(choices);
  const names = folder ? await listFiles(folder, ".yaml", { folders: true }) : [];
  const files = await Promise.all(names.map(async (name) => {
    const path = join(folder!, name);
    const bytes = await readOptional(path);
    return [path, bytes ? decodeConfigFile(bytes, path) : ""] as const;
  }));
  return files.length === 0 ? { docker: new Map() } : parseRegistriesD(files, await import("yaml"));
}

async function defaultFolder(choices: ConfigurationChoices): Promise<string | undefined> {
  const user = homePath("registries.d");
  for (const folder of [user, implicitPath(SYSTEM_FOLDER, choices)]) {
    if (folder && mayRead(folder) && await Deno.stat(folder).catch(() => undefined)) return folder;
  }
  return undefined;
}

/** Returns the base URL of signatures if `registries.d` does not set one; `undefined` if the user is not known. */
export function builtInLookaside(): string | undefined {
  const uid = findUid();
  if (uid === 0) return "file:///var/lib/containers/sigstore";
  const home = findHome();
  return uid !== undefined && home ? `file://${home}/.local/share/containers/sigstore` : undefined;
}
