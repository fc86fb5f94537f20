/**
 * The room table as a lint rule: across rooms only a `room.ts` may be imported, and only from the rooms that the table
 * allows; a `mod.ts` is what the package publishes. Portable code never imports a host-bound folder.
 */

/** What each room of `src/` may import, besides itself. ARCHITECTURE.md shows the same table. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  internal: [],
  errors: [],
  json: ["errors", "internal"],
  kv: ["errors", "internal"],
  spec: ["errors", "json", "internal"],
  image: ["spec", "signature", "internal"],
  config: ["spec", "json", "internal"],
  registry: ["spec", "json", "internal"],
  server: ["spec", "json", "internal"],
  store: ["spec", "json", "kv", "internal"],
  signature: ["spec", "json", "config", "internal"],
  transport: ["spec", "json", "image", "registry", "store", "signature", "internal"],
  copy: ["spec", "json", "image", "signature", "internal"],
  list: ["spec", "json", "image", "store", "signature", "copy", "internal"],
  actions: ["spec", "json", "image", "store", "signature", "copy", "list", "transport", "internal"],
  system: [
    "spec",
    "json",
    "image",
    "config",
    "registry",
    "server",
    "store",
    "signature",
    "transport",
    "copy",
    "list",
    "actions",
    "internal",
  ],
  service: ["spec", "json", "kv", "image", "registry", "list", "actions", "system", "internal"],
  cli: ["spec", "json", "config", "server", "store", "signature", "copy", "list", "actions", "system", "internal"],
};

/** Folders bound to a host (disk, environment, subprocess, FFI); only each other and `system/local`, `cli` import them. */
export const HOST_FOLDERS: readonly string[] = [
  "internal/host",
  "config/files",
  "registry/node",
  "server/directory",
  "copy/blob_info/sqlite",
  "store/containers_storage",
  "store/lock",
  "signature/files",
  "signature/gpg",
  "transport/archive",
  "transport/files",
  "transport/oci",
  "transport/oci_archive",
  "transport/dir",
  "transport/docker_archive",
  "transport/containers_storage",
  "system/local",
  "cli",
];

function within(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** Says what is wrong with an import, or `undefined`. Paths are relative to `src/`, with slashes. */
export function importProblem(from: string, to: string): string | undefined {
  const [fromRoom, toRoom] = [from.split("/")[0]!, to.split("/")[0]!];
  if (within(to, HOST_FOLDERS) && !within(from, HOST_FOLDERS)) {
    return `portable ${from} imports host-bound ${to}`;
  }
  if (fromRoom === toRoom) return undefined;
  if (!ROOMS[fromRoom]) return `room ${fromRoom} is not in the table`;
  if (!ROOMS[fromRoom].includes(toRoom)) return `room ${fromRoom} may not import room ${toRoom}`;
  if (!to.endsWith("/room.ts")) return `another room's file is imported: import ${toRoom}/room.ts`;
  return undefined;
}

/** The path of a file below `src/`; `undefined` where it is elsewhere. */
function pathInSource(filename: string): string | undefined {
  const path = filename.replaceAll("\\", "/");
  const at = path.lastIndexOf("/src/");
  return at < 0 ? undefined : path.slice(at + "/src/".length);
}

/** The path of an import below `src/`, or `undefined` where it is not a relative one. */
function resolveImport(filename: string, specifier: string): { from: string; to: string } | undefined {
  const from = pathInSource(filename);
  if (from === undefined || !specifier.startsWith(".")) return undefined;
  const to = new URL(specifier, `file:///src/${from}`).pathname.slice("/src/".length);
  return { from, to };
}

const FUNCTIONS: readonly string[] = ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"];

const plugin: Deno.lint.Plugin = {
  name: "rooms",
  rules: {
    imports: {
      create(context) {
        const at = pathInSource(context.filename);
        const checkBuiltin = (node: Deno.lint.ImportDeclaration) => {
          const isBuiltin = String(node.source.value).startsWith("node:") && node.importKind !== "type";
          if (!isBuiltin || at === undefined || within(at, HOST_FOLDERS)) return;
          context.report({
            range: node.range,
            message: `portable ${at} needs ${node.source.value}, which browsers lack`,
          });
        };
        const check = (node: { source: { value: unknown } | null; range: Deno.lint.Range }) => {
          const found = node.source && resolveImport(context.filename, String(node.source.value));
          const problem = found && importProblem(found.from, found.to);
          if (problem) context.report({ range: node.range, message: problem });
        };
        return {
          ImportDeclaration(node) {
            check(node);
            checkBuiltin(node);
          },
          ExportNamedDeclaration: check,
          ExportAllDeclaration: check,
          ImportExpression: (node: Deno.lint.ImportExpression) =>
            check({ source: node.source as { value: unknown } & typeof node.source, range: node.range }),
        };
      },
    },
    // What the type-check of portable code lets pass, as all libraries of types have it.
    runtime: {
      create(context) {
        const at = pathInSource(context.filename);
        if (at === undefined || within(at, HOST_FOLDERS)) return {};
        return {
          'MemberExpression[object.name="URL"][property.name="parse"]'(node: Deno.lint.MemberExpression) {
            context.report({ range: node.range, message: `portable ${at} uses URL.parse, which Node 20 lacks` });
          },
        };
      },
    },
    // A bundler makes each module that depends on one with a top-level `await` asynchronous; those of them that import
    // each other lazily then wait for each other forever. The program's entry is imported by nothing.
    "top-level-await": {
      create(context) {
        const at = pathInSource(context.filename);
        if (at === undefined || at === "cli/main.ts") return {};
        const check = (node: Deno.lint.Node) => {
          const isInFunction = context.sourceCode.getAncestors(node).some(({ type }) => FUNCTIONS.includes(type));
          if (!isInFunction) context.report({ range: node.range, message: `${at} awaits at its top level` });
        };
        return {
          AwaitExpression: check,
          "ForOfStatement[await=true]": check,
          'VariableDeclaration[kind="await using"]': check,
        };
      },
    },
  },
};

export default plugin;
