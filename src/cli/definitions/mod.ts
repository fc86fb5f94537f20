/**
 * The definitions of all subcommands, each loaded when it is needed.
 *
 * @module
 */
import type { CommandDefinition } from "../definition.ts";

const LOADERS: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  add: async () => (await import("./add.ts")).ADD,
  annotate: async () => (await import("./annotate.ts")).ANNOTATE,
  create: async () => (await import("./create.ts")).CREATE,
  exists: async () => (await import("./exists.ts")).EXISTS,
  inspect: async () => (await import("./inspect.ts")).INSPECT,
  push: async () => (await import("./push.ts")).PUSH,
  remove: async () => (await import("./remove.ts")).REMOVE,
  rm: async () => (await import("./rm.ts")).RM,
};

/** The names of all subcommands, sorted. */
export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

/** Loads the definition of a subcommand; `undefined` where there is none of that name. */
export async function findDefinition(name: string): Promise<CommandDefinition | undefined> {
  return Object.hasOwn(LOADERS, name) ? await LOADERS[name]!() : undefined;
}

/** Loads all definitions, sorted by name. */
export async function loadDefinitions(): Promise<CommandDefinition[]> {
  return await Promise.all(COMMAND_NAMES.map((name) => LOADERS[name]!()));
}
