/**
 * Lint rules for the rooms. A file of another room can only be imported through its `room.ts`, and only if the table
 * allows that room. A `mod.ts` is the published face of a room. Portable code never imports a host-bound folder.
 */

/** The other rooms that each room of `src/` can import. ARCHITECTURE.md shows the same table. */
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
  page: ["internal"],
  service: ["spec", "json", "kv", "image", "registry", "list", "actions", "system", "page", "internal"],
  release: ["spec", "json", "image", "config", "list", "signature", "actions", "system", "internal"],
  cli: [
    "spec",
    "json",
    "config",
    "server",
    "store",
    "signature",
    "copy",
    "list",
    "actions",
    "system",
    "release",
    "page",
    "internal",
  ],
};

/**
 * Folders that need a host: disk, environment, subprocesses or FFI. Only these folders, which include `system/local` and
 * `cli`, can import each other.
 */
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
  "transport/docker_daemon",
  "transport/containers_storage",
  "system/local",
  "release/files",
  "cli",
];

function isInFolders(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(`${folder}/`));
}

/** Finds the problem of an import; `undefined` if it is allowed. Paths are relative to `src/`, with slashes. */
export function findImportProblem(from: string, to: string): string | undefined {
  const [fromRoom, toRoom] = [from.split("/")[0]!, to.split("/")[0]!];
  if (isInFolders(to, HOST_FOLDERS) && !isInFolders(from, HOST_FOLDERS)) {
    return `portable ${from} imports host-bound ${to}`;
  }
  if (fromRoom === toRoom) return undefined;
  if (!ROOMS[fromRoom]) return `room ${fromRoom} is not in the table`;
  if (!ROOMS[fromRoom].includes(toRoom)) return `room ${fromRoom} may not import room ${toRoom}`;
  if (!to.endsWith("/room.ts")) return `file of another room: import ${toRoom}/room.ts instead`;
  return undefined;
}

/** Returns the path of a file relative to `src/`; `undefined` if it is in another folder. */
function getSourcePath(filename: string): string | undefined {
  const path = filename.replaceAll("\\", "/");
  const at = path.lastIndexOf("/src/");
  return at < 0 ? undefined : path.slice(at + "/src/".length);
}

/** Resolves a relative import to paths relative to `src/`; `undefined` for other imports and files. */
function resolveImport(filename: string, specifier: string): { from: string; to: string } | undefined {
  const from = getSourcePath(filename);
  if (from === undefined || !specifier.startsWith(".")) return undefined;
  const to = new URL(specifier, `file:///src/${from}`).pathname.slice("/src/".length);
  return { from, to };
}

/** Functions that Node 20 lacks, although the types declare them. */
const NEWER_FUNCTIONS: readonly string[] = [
  "Array.fromAsync",
  "Map.groupBy",
  "Object.groupBy",
  "Promise.try",
  "Promise.withResolvers",
  "RegExp.escape",
  "URL.parse",
];
/** Classes that Node 20 lacks, although the types declare them. */
const NEWER_CLASSES: readonly string[] = ["AsyncDisposableStack", "DisposableStack"];

const FUNCTIONS: readonly string[] = ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"];

const plugin: Deno.lint.Plugin = {
  name: "rooms",
  rules: {
    imports: {
      create(context) {
        const at = getSourcePath(context.filename);
        const checkBuiltin = (node: Deno.lint.ImportDeclaration) => {
          const isBuiltin = String(node.source.value).startsWith("node:") && node.importKind !== "type";
          if (!isBuiltin || at === undefined || isInFolders(at, HOST_FOLDERS)) return;
          context.report({
            range: node.range,
            message: `portable ${at} needs ${node.source.value}, which browsers lack`,
          });
        };
        const check = (node: { source: { value: unknown } | null; range: Deno.lint.Range }) => {
          const found = node.source && resolveImport(context.filename, String(node.source.value));
          const problem = found && findImportProblem(found.from, found.to);
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
    // The type-check of portable code does not find this, since all type libraries declare it.
    runtime: {
      create(context) {
        const at = getSourcePath(context.filename);
        if (at === undefined || isInFolders(at, HOST_FOLDERS)) return {};
        const report = (range: Deno.lint.Range, name: string) =>
          context.report({ range, message: `portable ${at} uses ${name}, which Node 20 lacks` });
        return {
          MemberExpression({ object, property, range }: Deno.lint.MemberExpression) {
            if (object.type !== "Identifier" || property.type !== "Identifier") return;
            const name = `${object.name}.${property.name}`;
            if (NEWER_FUNCTIONS.includes(name)) report(range, name);
          },
          NewExpression({ callee, range }: Deno.lint.NewExpression) {
            if (callee.type === "Identifier" && NEWER_CLASSES.includes(callee.name)) report(range, callee.name);
          },
        };
      },
    },
    // A bundler makes every module asynchronous that depends on a module with a top-level `await`. Asynchronous modules
    // that import each other lazily then wait for each other forever. The entry of the program is imported by no module.
    "top-level-await": {
      create(context) {
        const at = getSourcePath(context.filename);
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
    // Test files run in threads of one process; `setVariables()` of tests/support sets variables for one thread.
    "process-environment": {
      create: (context) => ({
        "CallExpression > MemberExpression[object.object.name='Deno'][object.property.name='env']"(
          { property, range }: Deno.lint.MemberExpression,
        ) {
          const changes = property.type === "Identifier" && ["set", "delete"].includes(property.name);
          if (changes) context.report({ range, message: "changes the environment of the process" });
        },
      }),
    },
  },
};

export default plugin;
