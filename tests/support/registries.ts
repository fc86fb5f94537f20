import { createMemoryStorage, createRegistry, type RegistryOptions } from "../../src/server/mod.ts";

/** A registry on loopback that ends with its scope. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  host: string;
  /** What went wrong inside the registry. */
  errors: unknown[];
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

/** Starts Debian's docker-registry on a free port, with its data in a temporary folder. */
export async function startDockerRegistry(): Promise<TestRegistry> {
  const folder = await Deno.makeTempDir({ prefix: "registry-" });
  const port = freePort();
  await Deno.writeTextFile(
    `${folder}/config.yml`,
    `version: 0.1\nlog: {level: error}\nstorage:\n  filesystem: {rootdirectory: ${folder}/data}\n  delete: {enabled: true}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
  );
  const process = new Deno.Command("docker-registry", {
    args: ["serve", `${folder}/config.yml`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const host = `127.0.0.1:${port}`;
  await waitUntilUp(`http://${host}/v2/`);
  return {
    host,
    errors: [],
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
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
