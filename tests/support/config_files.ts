import { ok } from "./peers.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** A call of a function of `config/files` in some environment. */
export interface ConfigCall {
  /** The function. */
  name: string;
  /** Its arguments. */
  args: unknown[];
  /** Variables; others of their names are unset. */
  env?: Record<string, string | undefined>;
}

/** Result of a call: a value, with maps as entries, or the fields of an error. */
export interface ConfigOutcome {
  value?: unknown;
  error?: { code?: string; path?: string; line?: number; key?: string; message: string };
}

/** Variables that name configuration; unset unless a call sets them. */
const VARIABLES = [
  "HOME",
  "XDG_CONFIG_HOME",
  "XDG_RUNTIME_DIR",
  "XDG_CACHE_HOME",
  "REGISTRY_AUTH_FILE",
  "DOCKER_CONFIG",
  "DOCKER_AUTH_CONFIG",
  "CONTAINERS_REGISTRIES_CONF",
  "REGISTRIES_CONFIG_PATH",
  "CONTAINERS_CONF",
  "CONTAINERS_CONF_OVERRIDE",
];

/** Makes calls one after another in a process of their own, because the environment is everybody's in this one. */
export async function callConfigFiles(calls: ConfigCall[], permissions = ["-A"]): Promise<ConfigOutcome[]> {
  const script = `
    const files = await import("file://${ROOT}src/config/files/room.ts");
    const plain = (_, value) => value instanceof Map ? [...value] : value;
    const outcomes = [];
    for (const { name, args, env = {} } of ${JSON.stringify(calls)}) {
      for (const variable of ${JSON.stringify(VARIABLES)}) {
        if (Deno.permissions.querySync({ name: "env", variable }).state === "granted") Deno.env.delete(variable);
      }
      for (const [variable, value] of Object.entries(env)) Deno.env.set(variable, value);
      try {
        outcomes.push({ value: await files[name](...args) });
      } catch (error) {
        outcomes.push({ error: { ...error, message: error.message } });
      }
    }
    console.log(JSON.stringify(outcomes, plain));`;
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(file, script);
    const flags = ["run", "--no-check", "--no-prompt", "--config", `${ROOT}deno.json`, ...permissions, file];
    return JSON.parse(await ok([Deno.execPath(), ...flags], { NO_COLOR: "1" }));
  } finally {
    await Deno.remove(file);
  }
}

/** Writes files below a folder, with the folders that they need. */
export async function writeTree(folder: string, files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const at = `${folder}/${path}`;
    await Deno.mkdir(at.slice(0, at.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(at, text);
  }
}
