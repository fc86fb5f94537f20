import { createRegistry, parseHtpasswd, type PasswordCheck, type Registry } from "../../server/room.ts";
import { type DirectoryStorage, openDirectoryStorage } from "../../server/directory/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import type { CommandContext } from "../context.ts";
import { formatError, UsageError } from "../errors.ts";
import { parseCount } from "../flags.ts";
import { count, formatBytes } from "../format/units.ts";
import { note, print } from "../output.ts";
import { answerRegistryPage } from "../web/registry_page.ts";

/** Time between two garbage collections, in milliseconds: one hour. */
const GARBAGE_INTERVAL = 3600 * 1000;

/** Flags of `registry`. */
export interface ServerFlags {
  host?: string;
  port?: string;
  htpasswd?: string;
  tlsCert?: string;
  tlsKey?: string;
}

/** Runs `registry serve FOLDER` and `registry gc FOLDER`. */
export async function registry(operands: string[], flags: ServerFlags, context: CommandContext): Promise<void> {
  const [verb, folder] = operands as [string, string];
  if (verb === "serve") return await serveRegistry(folder, flags, context);
  if (verb !== "gc") {
    throw new UsageError(`unknown command ${JSON.stringify(`registry ${verb}`)}: did you mean serve or gc?`);
  }
  if (Object.keys(flags).length > 0) throw new UsageError("registry gc does not take flags");
  if (!await isRegistryFolder(folder)) {
    throw new Error(`Cannot collect garbage in ${JSON.stringify(folder)}: not a folder of a registry`);
  }
  using storage = await openStorage(folder);
  // The folder is locked, so that no push is in progress. Unused data can be deleted whatever its age.
  print(await describeGarbage(storage, 0));
}

/** Runs a registry with images in a folder until SIGINT or SIGTERM. */
async function serveRegistry(folder: string, flags: ServerFlags, { signal }: CommandContext): Promise<void> {
  const hostname = flags.host ?? "127.0.0.1";
  const port = flags.port === undefined ? 5000 : parseCount("--port", flags.port);
  const tls = await readTls(flags);
  const users = flags.htpasswd === undefined ? undefined : await readUsers(flags.htpasswd);
  if (users && !tls && !isLoopback(hostname)) {
    note("Warning: passwords are sent unencrypted: add --tls-cert and --tls-key");
  }
  const opened = Promise.withResolvers<Registry>();
  opened.promise.catch(() => {});
  const serve = async (request: Request) => {
    const registry = await opened.promise;
    return await answerRegistryPage(request, registry) ?? await registry.fetch(request);
  };
  // Listening comes first, so that a port in use does not lock or change the folder.
  await using server = listen({ hostname, port, signal, ...tls }, serve);
  using storage = await openStorage(folder).catch((error) => {
    opened.reject(error);
    throw error;
  });
  const access = users && { scheme: "basic", users } as const;
  opened.resolve(createRegistry({ storage, access, onError: (error) => note(`Error: ${formatError(error)}`) }));
  print(`${tls ? "https" : "http"}://${hostname}:${server.addr.port}`);
  using _timer = collectRegularly(storage);
  await server.finished;
  // Only a signal ends the server; its reason gives the exit code.
  signal.throwIfAborted();
}

/** Opens the folder. Errors of the file system name it. */
async function openStorage(folder: string): Promise<DirectoryStorage> {
  try {
    return await openDirectoryStorage(folder);
  } catch (cause) {
    if (cause instanceof ManifestsError) throw cause;
    throw new Error(`Cannot open registry folder ${JSON.stringify(folder)}: ${formatError(cause)}`, { cause });
  }
}

/** Certificate and private key in PEM format. */
interface Tls {
  readonly cert: string;
  readonly key: string;
}

async function readTls({ tlsCert, tlsKey }: ServerFlags): Promise<Tls | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new UsageError("--tls-cert and --tls-key must be used together");
  }
  return { cert: await readText("--tls-cert", tlsCert), key: await readText("--tls-key", tlsKey) };
}

async function readUsers(path: string): Promise<PasswordCheck> {
  return parseHtpasswd(await readText("--htpasswd", path), path);
}

async function readText(flag: string, path: string): Promise<string> {
  return await Deno.readTextFile(path).catch((cause) => {
    throw new Error(`Cannot read the file of ${flag}: ${formatError(cause)}`, { cause });
  });
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "::1" || hostname.startsWith("127.");
}

function listen(
  options: { hostname: string; port: number; signal: AbortSignal } & Partial<Tls>,
  serve: (request: Request) => Promise<Response>,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ ...options, onListen: () => {} }, serve);
  } catch (cause) {
    const { hostname, port } = options;
    throw new Error(`Cannot listen on ${hostname}:${port}: ${formatError(cause)}`, { cause });
  }
}

async function isRegistryFolder(path: string): Promise<boolean> {
  return await Deno.stat(`${path}/repositories`).then(({ isDirectory }) => isDirectory, () => false);
}

/** Collects garbage now and every hour. */
function collectRegularly(storage: DirectoryStorage): Disposable {
  let last: Promise<unknown> = Promise.resolve();
  const collect = () => {
    last = last.then(() => describeGarbage(storage)).then(
      (text) => text && note(text),
      (error) => note(`Error: Cannot collect garbage: ${formatError(error)}`),
    );
  };
  collect();
  const timer = setInterval(collect, GARBAGE_INTERVAL);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

async function describeGarbage(storage: DirectoryStorage, minAge?: number): Promise<string> {
  const { files, bytes } = await storage.collectGarbage({ minAge });
  if (files === 0 && minAge === undefined) return "";
  return `Freed ${formatBytes(bytes)} (${count(files, "file")})`;
}
