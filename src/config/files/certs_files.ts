import { join } from "@std/path";
import type { RegistryCertificates } from "../certificates.ts";
import { ConfigFileError } from "../config_file_error.ts";
import { decodeConfigFile } from "../decode.ts";
import { type ConfigurationChoices, homePath, implicitPath } from "./choices.ts";
import { listFiles, mayRead, readRequired } from "./host.ts";

const SYSTEM_FOLDERS = ["/etc/containers/certs.d", "/etc/docker/certs.d"];

/**
 * Loads the certificates for a registry (containers-certs.d.5): from the folder in `choices`, or else from the first
 * existing default folder for exactly this host and port. `undefined` if no certificate is found.
 *
 * @param host Host with an optional port, such as `quay.io` or `localhost:5000`.
 * @throws {ConfigFileError} If a client certificate has no key, a key has no certificate, or a file is not UTF-8.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function loadCertificates(
  host: string,
  choices: ConfigurationChoices = {},
): Promise<RegistryCertificates | undefined> {
  const folder = await findFolder(host, choices);
  if (folder === undefined) return undefined;
  const read = async (name: string) => {
    const path = join(folder, name);
    return decodeConfigFile(await readRequired(path, "certificate file"), path);
  };
  const texts = await Promise.all((await listFiles(folder, ".crt")).map(read));
  // podman, buildah and skopeo ignore files without a certificate.
  const caCerts = texts.filter((text) => text.includes("-----BEGIN CERTIFICATE-----"));
  // A client of `fetch` has at most one certificate: the first by name.
  const [base] = await findPairs(folder);
  const pair = base === undefined ? {} : { cert: await read(`${base}.cert`), key: await read(`${base}.key`) };
  return caCerts.length > 0 || base !== undefined ? { caCerts, ...pair } : undefined;
}

async function findFolder(host: string, choices: ConfigurationChoices): Promise<string | undefined> {
  if (choices.dockerCertPath) return choices.dockerCertPath;
  if (choices.dockerPerHostCertDirPath) return join(choices.dockerPerHostCertDirPath, host);
  const roots = [homePath("certs.d"), ...SYSTEM_FOLDERS.map((folder) => implicitPath(folder, choices))];
  for (const root of roots) {
    const folder = root && join(root, host);
    if (folder && mayRead(folder) && await isReadableFolder(folder)) return folder;
  }
  return undefined;
}

/** Whether the user can read a folder. Unreadable ones are skipped, as podman does for users other than root. */
async function isReadableFolder(path: string): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(path)) break;
    return true;
  } catch {
    return false;
  }
}

/** Returns the names, without suffix, of client certificates and their keys. */
async function findPairs(folder: string): Promise<string[]> {
  const [certs, keys] = await Promise.all(
    [".cert", ".key"].map(async (suffix) =>
      (await listFiles(folder, suffix)).map((name) => name.slice(0, -suffix.length))
    ),
  ) as [string[], string[]];
  for (const [names, others, what] of [[certs, keys, "key"], [keys, certs, "cert"]] as const) {
    const orphan = names.find((name) => !others.includes(name));
    if (orphan === undefined) continue;
    const file = `${orphan}.${what === "key" ? "cert" : "key"}`;
    throw new ConfigFileError(
      { path: join(folder, file) },
      `missing ${orphan}.${what}${what === "key" ? " (the names of CA certificates end in .crt)" : ""}`,
    );
  }
  return certs;
}
