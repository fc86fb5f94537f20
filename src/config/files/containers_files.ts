import { join } from "@std/path";
import { type ContainersConf, parseContainersConf } from "../containers_conf.ts";
import { decodeConfigFile } from "../decode.ts";
import { type ConfigurationChoices, implicitPath } from "./choices.ts";
import { findHome, mayRead, readDefault, readEnv, type ReadFile, readFolder, readRequired } from "./host.ts";
import { chooseTomlParser } from "./toml.ts";

const NAME = "containers.conf";

/**
 * Loads `containers.conf` as podman and buildah do: only the file in `CONTAINERS_CONF` if that is set, or else the
 * vendor's, the system's and the user's, each with its drop-ins, in ascending order of precedence. The file in
 * `CONTAINERS_CONF_OVERRIDE` has the highest precedence.
 *
 * @throws {ConfigFileError} If a file is invalid.
 * @throws {ManifestsError} With code `CONFIG_FILE_UNREADABLE`.
 */
export async function loadContainersConf(choices: ConfigurationChoices = {}): Promise<ContainersConf> {
  const explicit = readEnv("CONTAINERS_CONF");
  const override = readEnv("CONTAINERS_CONF_OVERRIDE");
  const files = [
    ...explicit ? [await readNamed(explicit)] : await readDefaults(choices),
    ...override ? [await readNamed(override)] : [],
  ];
  const texts = files.map(({ path, bytes }) => decodeConfigFile(bytes, path));
  const parse = await chooseTomlParser(texts);
  return texts.reduce<ContainersConf>(
    (before, text, i) => parseContainersConf(text, parse, files[i]!.path, before),
    {},
  );
}

async function readNamed(path: string): Promise<ReadFile> {
  return { path, bytes: await readRequired(path, NAME) };
}

async function readDefaults(choices: ConfigurationChoices): Promise<ReadFile[]> {
  const home = findHome();
  const user = readEnv("XDG_CONFIG_HOME") || (home && join(home, ".config"));
  const folders = [
    implicitPath("/usr/share/containers", choices),
    implicitPath("/etc/containers", choices),
    ...user ? [join(user, "containers")] : [],
  ];
  const files: ReadFile[] = [];
  for (const folder of folders) {
    const path = join(folder, NAME);
    const bytes = await readDefault(path);
    if (bytes) files.push({ path, bytes });
    if (mayRead(`${path}.d`)) files.push(...await readFolder(`${path}.d`, ".conf"));
  }
  return files;
}
