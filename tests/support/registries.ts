import type { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry, type RegistryOptions } from "../../src/server/room.ts";

/** A registry on loopback that ends with its scope. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  host: string;
  /** Errors inside the registry. */
  errors: unknown[];
  /** A client that may do everything; default: an anonymous one. */
  client?(): RegistryClient;
}

/** Starts the embedded registry. */
export function startEmbedded(options: Partial<RegistryOptions> = {}): TestRegistry {
  const errors: unknown[] = [];
  const onError = (error: unknown) => void errors.push(error);
  const registry = createRegistry({ storage: createMemoryStorage(), onError, ...options });
  return { ...serve(registry.fetch), errors };
}

/** Serves any handler on loopback. */
export function serve(handler: (request: Request) => Response | Promise<Response>): TestRegistry {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  return {
    errors: [],
    host: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Reads the beginning of an upload, as a registry does that answers before the end. */
export async function readSome({ body }: Request): Promise<void> {
  const reader = body!.getReader();
  await reader.read();
  await reader.cancel();
}

/** A docker-registry of its own process. */
export interface DockerRegistry extends TestRegistry {
  /** Empties it. */
  reset(): Promise<void>;
}

/** Options for {@linkcode startDockerRegistry}. */
export interface DockerRegistryOptions {
  /** More of its configuration, as YAML. */
  config?: string;
  /** Whether it takes Docker schema 1; default: `false`, as by its own default. */
  schema1?: boolean;
  /** Certificate and key that it shows, and the authority of whom it lets in; default: plain HTTP for everybody. */
  tls?: { certificate: string; key: string; clientCa?: string } | undefined;
}

/** Starts Debian's docker-registry on a free port, with its data in a temporary folder. */
export async function startDockerRegistry(options: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const { schema1 = false, tls } = options;
  const clientCa = tls?.clientCa === undefined ? "" : `, clientcas: ["${tls.clientCa}"]`;
  const tlsConfig = tls ? `, tls: {certificate: "${tls.certificate}", key: "${tls.key}"${clientCa}}` : "";
  const folder = await Deno.makeTempDir({ prefix: "registry-" });
  const host = `127.0.0.1:${freePort()}`;
  await Deno.writeTextFile(
    `${folder}/config.yml`,
    `version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: ${folder}/data}\n  delete: {enabled: true}\nhttp: {addr: "${host}"${tlsConfig}}\n` +
      `compatibility: {schema1: {enabled: ${schema1}}}\n`,
  );
  await Deno.writeTextFile(`${folder}/config.yml`, options.config ?? "", { append: true });
  let process = await spawn();
  return { host, errors: [], reset, [Symbol.asyncDispose]: dispose };

  async function spawn(): Promise<Deno.ChildProcess> {
    const args = ["serve", `${folder}/config.yml`];
    const child = new Deno.Command("docker-registry", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    await waitUntilUp(`http://${host}/v2/`);
    return child;
  }

  async function stop(): Promise<void> {
    process.kill("SIGKILL");
    await process.status;
  }

  async function reset(): Promise<void> {
    await stop();
    await Deno.remove(`${folder}/data`, { recursive: true }).catch(() => {});
    process = await spawn();
  }

  async function dispose(): Promise<void> {
    await stop();
    await Deno.remove(folder, { recursive: true });
  }
}

/** Registries that tests ask in turn: they differ in what they know, such as conditions and referrers. */
export const REGISTRIES = { "the embedded registry": startEmbedded, "docker-registry": startDockerRegistry };

/** A port that nobody has, below the range from which systems give ports to whoever asks for any. */
function freePort(): number {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

async function waitUntilUp(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error(`Cannot start the registry at ${url}`);
}
