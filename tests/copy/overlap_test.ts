/** Tests which requests of a copy are sent while others wait for their answers. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { copyImageWith } from "../../src/copy/room.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { put, putImage, putList, TAR, WANTED } from "../support/copy_world.ts";
import { makeImage, makeTar, pushImage } from "../support/images.ts";
import { runPending } from "../support/timers.ts";

/** Registries by host, which answer only after everything else has run that does not wait for the answer. */
function createSlowRegistries() {
  const registries = new Map(["from.example", "to.example"].map((host) => [
    host,
    createRegistry({ storage: createMemoryStorage() }),
  ]));
  const log: string[] = [];
  const fetch = async (request: Request): Promise<Response> => {
    const { host, pathname } = new URL(request.url);
    const name = `${host.split(".")[0]} ${request.method} ${pathname}`;
    log.push(name);
    await runPending();
    const response = await registries.get(host)!.fetch(request);
    log.push(`${name} answered`);
    return response;
  };
  const client = (host: string) => new RegistryClient(host, { fetch: registries.get(host)!.fetch });
  return { fetch, log, client };
}

/** Copies what the source has under the tag `1`. */
async function copyFrom(
  world: ReturnType<typeof createSlowRegistries>,
  options: { maxParallelTransfers?: number | undefined } = {},
): Promise<void> {
  await copyImageWith(parseImageName("docker://from.example/app:1"), parseImageName("docker://to.example/app:1"), {
    policy: acceptAnything,
    platform: WANTED,
    selection: "all",
    systemContext: { fetch: world.fetch },
    ...options,
  });
}

/** Copies an image with some layers; the log has the requests and answers in order. */
async function copy(layers: number, { maxParallelTransfers }: { maxParallelTransfers?: number } = {}) {
  const world = createSlowRegistries();
  const tars = Array.from({ length: layers }, (_, i) => makeTar("file", `${i}`));
  await pushImage(world.client("from.example").repository("app"), makeImage({ ...WANTED, layers: tars }), "1");
  await copyFrom(world, { maxParallelTransfers });
  return world;
}

/** Asserts that `first` is in the log before `second`. */
function assertBefore(log: readonly string[], first: RegExp, second: RegExp): void {
  const [a, b] = [first, second].map((pattern) => log.findIndex((line) => pattern.test(line)));
  assert.ok(a! >= 0 && b! > a!, `${first} before ${second} in\n${log.join("\n")}`);
}

Deno.test("the destination is connected to while the source is read", async () => {
  const { log } = await copy(1);
  assertBefore(log, /^to GET \/v2\/$/, /^from GET .*manifests\/1 answered/);
  assert.equal(log.filter((line) => line === "to GET /v2/").length, 1);
});

Deno.test("a destination that cannot be reached is not reported before the source was read", async () => {
  const world = createSlowRegistries();
  const fetch = async (request: Request) => {
    if (new URL(request.url).host === "to.example") throw new TypeError("refused");
    return await world.fetch(request);
  };
  const options = { policy: acceptAnything, platform: WANTED, selection: "all", retryDelay: 0 } as const;
  const places = ["from", "to"].map((host) => parseImageName(`docker://${host}.example/app:1`));
  const copying = () =>
    copyImageWith(places[0]!, places[1]!, { ...options, systemContext: { fetch, maxRetries: 0 }, maxRetries: 0 });
  await assert.rejects(copying(), { code: "NOT_FOUND", message: /from\.example/ });
  await pushImage(world.client("from.example").repository("app"), makeImage(WANTED), "1");
  await assert.rejects(copying(), { code: "NETWORK", message: /to\.example/ });
});

Deno.test("the upload of a blob is opened while the source opens the blob", async () => {
  const { log } = await copy(1);
  assertBefore(log, /^to POST .*uploads/, /^from GET .*blobs.* answered/);
});

Deno.test("no upload is opened for a layer that is compressed while it is copied", async () => {
  const world = createSlowRegistries();
  const repository = world.client("from.example").repository("app");
  const layer = await put(repository, TAR, "application/vnd.oci.image.layer.v1.tar");
  await putList(repository, [{ ...await putImage(repository, [layer]), platform: WANTED }]);
  await copyFrom(world);
  const count = (method: string) => world.log.filter((line) => RegExp(`^to ${method} .*answered`).test(line)).length;
  assert.deepEqual([count("POST"), count("DELETE")], [2, 0], world.log.join("\n"));
});

Deno.test("an upload that was opened for a blob which the source lacks is cancelled", async () => {
  const world = createSlowRegistries();
  const image = makeImage(WANTED);
  await pushImage(world.client("from.example").repository("app"), image, "1");
  const fetch = async (request: Request) => {
    const isBlob = request.method === "GET" && /^https:..from.example.*blobs/.test(request.url);
    if (!isBlob) return await world.fetch(request);
    for (let i = 0; i < 3; i++) await runPending();
    return new Response(null, { status: 404 });
  };
  const options = { policy: acceptAnything, platform: WANTED, selection: "all", retryDelay: 0 } as const;
  const places = ["from", "to"].map((host) => parseImageName(`docker://${host}.example/app:1`));
  await assert.rejects(
    copyImageWith(places[0]!, places[1]!, { ...options, systemContext: { fetch } }),
    { code: "NOT_FOUND" },
  );
  await runPending();
  const count = (method: string) => world.log.filter((line) => RegExp(`^to ${method} .*answered`).test(line)).length;
  assert.ok(count("POST") > 0);
  assert.equal(count("DELETE"), count("POST"));
});

Deno.test("small blobs do not wait for the slots of large ones, unless the caller limits the transfers", async () => {
  const isTransfer = (line: string) => /^from GET .*blobs/.test(line);
  /** The greatest number of blobs that are read from the source at the same time. */
  const countMost = (log: readonly string[]) => {
    let [now, most] = [0, 0];
    for (const line of log.filter(isTransfer)) most = Math.max(most, now += line.includes("answered") ? -1 : 1);
    return most;
  };
  assert.ok(countMost((await copy(10)).log) > 8);
  assert.equal(countMost((await copy(5, { maxParallelTransfers: 3 })).log), 3);
});

Deno.test("the token for the destination is the one that mounts need", async () => {
  const users = { me: "secret" };
  const registry = createRegistry({ storage: createMemoryStorage(), access: { scheme: "bearer", users } });
  const credentials = { username: "me", password: "secret" };
  const scopes: string[] = [];
  const fetch = async (request: Request) => {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/token") scopes.push(searchParams.getAll("scope").join(" "));
    return await registry.fetch(request);
  };
  const client = new RegistryClient("r.example", { fetch: registry.fetch, credentials });
  await pushImage(client.repository("app"), makeImage(WANTED), "1");
  const places = ["app", "other"].map((path) => parseImageName(`docker://r.example/${path}:1`));
  const options = { policy: acceptAnything, platform: WANTED, selection: "all" } as const;
  const systemContext = { fetch, dockerAuthConfig: credentials };
  await copyImageWith(places[0]!, places[1]!, { ...options, systemContext });
  // The source may have read with the same token.
  const written = scopes.filter((scope) => scope.includes("other"));
  assert.deepEqual(written, ["repository:app:pull repository:other:pull,push"]);
});
