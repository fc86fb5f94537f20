/** Errors of configuration files and credentials. */
import { fetchManifest, resolveShortName } from "../../mod.ts";
import { saveCredentials } from "../../src/config/files/room.ts";
import type { SystemContext } from "../../src/image/room.ts";
import { type ErrorRows, type ErrorWorld, NAME } from "./world.ts";

/** Reads an image with some configuration. */
async function read(world: ErrorWorld, configuration: SystemContext): Promise<void> {
  await fetchManifest(NAME, { systemContext: { ...world.systemContext, ...configuration } });
}

/** The configuration of registries in a file. */
async function registriesConf(world: ErrorWorld, name: string, text: string): Promise<SystemContext> {
  return {
    systemRegistriesConfPath: await world.write(name, text),
    systemRegistriesConfDirPath: `${world.folder}/none`,
  };
}

export const CONFIG_ROWS: ErrorRows = {
  CONFIG_FILE_INVALID: async (world) =>
    await read(world, { authFilePath: await world.write("auth.json", '{\n  "auths": []\n}') }),
  CONFIG_FILE_UNREADABLE: async (world) => await read(world, { authFilePath: `${world.folder}/missing.json` }),
  CREDENTIALS_NOT_SAVED: async (world) => {
    const choices = { dockerCompatAuthFilePath: `${world.folder}/config.json` };
    await saveCredentials("registry.example/ns", { username: "me", password: "p" }, { choices, helpers: [] });
  },
  CREDENTIAL_HELPER_FAILED: async (world) => {
    const file = JSON.stringify({ credHelpers: { "registry.example": "missing-from-this-machine" } });
    await read(world, { authFilePath: await world.write("helper.json", file) });
  },
  REGISTRY_BLOCKED: async (world) => {
    const text = '[[registry]]\nlocation = "registry.example"\nblocked = true\n';
    await read(world, await registriesConf(world, "blocked.conf", text));
  },
  SHORT_NAME_UNRESOLVED: async (world) => {
    const text = 'unqualified-search-registries = ["one.example", "two.example"]\nshort-name-mode = "enforcing"\n';
    await resolveShortName("busybox", await registriesConf(world, "short.conf", text));
  },
};
