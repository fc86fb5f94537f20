/**
 * Definitions of all subcommands, each loaded when it is needed.
 *
 * @module
 */
import type { CommandDefinition } from "../definition.ts";

const LOADERS: Readonly<Record<string, () => Promise<CommandDefinition>>> = {
  add: async () => (await import("./add.ts")).ADD,
  annotate: async () => (await import("./annotate.ts")).ANNOTATE,
  append: async () => (await import("./append.ts")).APPEND,
  completion: async () => (await import("./completion.ts")).COMPLETION,
  compose: async () => (await import("./compose.ts")).COMPOSE,
  copy: async () => (await import("./copy.ts")).COPY,
  create: async () => (await import("./create.ts")).CREATE,
  delete: async () => (await import("./delete.ts")).DELETE,
  diff: async () => (await import("./diff.ts")).DIFF,
  digest: async () => (await import("./digest.ts")).DIGEST,
  drop: async () => (await import("./drop.ts")).DROP,
  exists: async () => (await import("./exists.ts")).EXISTS,
  "generate-sigstore-key": async () => (await import("./generate_sigstore_key.ts")).GENERATE_SIGSTORE_KEY,
  inspect: async () => (await import("./inspect.ts")).INSPECT,
  login: async () => (await import("./login.ts")).LOGIN,
  logout: async () => (await import("./logout.ts")).LOGOUT,
  ls: async () => (await import("./ls.ts")).LS,
  push: async () => (await import("./push.ts")).PUSH,
  registry: async () => (await import("./registry.ts")).REGISTRY,
  release: async () => (await import("./release.ts")).RELEASE,
  remove: async () => (await import("./remove.ts")).REMOVE,
  rm: async () => (await import("./rm.ts")).RM,
  tag: async () => (await import("./tag.ts")).TAG,
  tags: async () => (await import("./tags.ts")).TAGS,
  validate: async () => (await import("./validate.ts")).VALIDATE,
  verify: async () => (await import("./verify.ts")).VERIFY,
  version: async () => (await import("./version.ts")).VERSION_COMMAND,
};

/** Names of all subcommands, sorted. */
export const COMMAND_NAMES: readonly string[] = Object.keys(LOADERS);

/** Loads the definition of a subcommand; `undefined` if there is none of that name. */
export async function findDefinition(name: string): Promise<CommandDefinition | undefined> {
  return Object.hasOwn(LOADERS, name) ? await LOADERS[name]!() : undefined;
}

/** Loads all definitions, sorted by name. */
export async function loadDefinitions(): Promise<CommandDefinition[]> {
  return await Promise.all(COMMAND_NAMES.map((name) => LOADERS[name]!()));
}
