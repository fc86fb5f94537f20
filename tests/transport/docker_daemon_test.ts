/** `docker-daemon:`: its references, its address, its errors, and the Docker-compatible service of podman. */
import assert from "node:assert/strict";
import { copyImage, create, parseImageName } from "../../mod.ts";
import { findDockerEndpoint } from "../../src/config/files/room.ts";
import { digestOf, type ParsedImage, parseManifest } from "../../src/spec/room.ts";
import { createDockerDaemonTransport } from "../../src/transport/docker_daemon/room.ts";
import { CLI } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, makeImage, makeTar, pushImage } from "../support/images.ts";
import { exec, ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const NO_DAEMON = createDockerDaemonTransport({ findEndpoint: () => Promise.reject(new Error("no daemon")) });
const ID = `sha256:${"0".repeat(64)}`;

Deno.test("docker-daemon: references have an id, a tag or a digest", () => {
  const rows: [string, string, string, string | undefined][] = [
    ["busy:1", "busy:1", "docker.io/library/busy:1", "docker.io/library/busy:1"],
    ["localhost/two:1", "localhost/two:1", "localhost/two:1", "localhost/two:1"],
    [`busy@${ID}`, `busy@${ID}`, `docker.io/library/busy@${ID}`, `docker.io/library/busy@${ID}`],
    [ID, ID, "", undefined],
  ];
  for (const [text, within, identity, name] of rows) {
    const reference = NO_DAEMON.parseReference(text);
    assert.equal(reference.stringWithinTransport, within);
    assert.equal(String(reference), `docker-daemon:${within}`);
    assert.equal(reference.policyConfigurationIdentity, identity);
    assert.equal(reference.dockerReference?.toString(), name);
  }
  const wrong: [string, RegExp][] = [
    ["localhost/two", /neither a tag nor a digest/],
    ["sha256:6bd06c", /reserved/],
    [`busy:1@${ID}`, /both a tag and digest/],
    [`sha512:${"0".repeat(128)}`, /only digest algorithm sha256/],
    ["Busy:1", /lowercase/],
    ["", /reference/],
  ];
  for (const [text, message] of wrong) {
    assert.throws(() => NO_DAEMON.parseReference(text), { code: "INVALID_REFERENCE", message }, text);
  }
});

Deno.test("docker-daemon: an image is written under a name with a tag only", async () => {
  for (const text of [ID, `busy@${ID}`]) {
    const opened = NO_DAEMON.parseReference(text).openDestination();
    await assert.rejects(opened, { code: "INVALID_REFERENCE", message: /must be a name:tag/ });
  }
});

folderTest("the daemon is found as Docker's tools find it", async (folder) => {
  const id = digestOf(new TextEncoder().encode("ci")).slice("sha256:".length);
  await Deno.mkdir(`${folder}/contexts/meta/${id}`, { recursive: true });
  await Deno.mkdir(`${folder}/contexts/tls/${id}/docker`, { recursive: true });
  const meta = { Name: "ci", Endpoints: { docker: { Host: "tcp://ci.example:2376", SkipTLSVerify: false } } };
  await Deno.writeTextFile(`${folder}/contexts/meta/${id}/meta.json`, JSON.stringify(meta));
  for (const name of ["ca", "cert", "key"]) {
    await Deno.writeTextFile(`${folder}/contexts/tls/${id}/docker/${name}.pem`, name);
    await Deno.writeTextFile(`${folder}/${name}.pem`, `own ${name}`);
  }
  await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ currentContext: "ci" }));
  const config = { DOCKER_CONFIG: folder };
  const own = { ca: "own ca", cert: "own cert", key: "own key" };
  const rows: [Record<string, string>, object, { url: string; socket?: string; tls?: object }][] = [
    [{ ...config, DOCKER_CONTEXT: "default" }, {}, { url: "http://docker", socket: "/var/run/docker.sock" }],
    [config, {}, { url: "https://ci.example:2376", tls: { ca: "ca", cert: "cert", key: "key" } }],
    [{ ...config, DOCKER_HOST: "unix:///x.sock" }, {}, { url: "http://docker", socket: "/x.sock" }],
    [{ ...config, DOCKER_HOST: "tcp://h:2375" }, {}, { url: "http://h:2375" }],
    [{ DOCKER_HOST: "tcp://h:2376", DOCKER_CERT_PATH: folder }, {}, { url: "https://h:2376", tls: own }],
    [{ ...config, DOCKER_HOST: "tcp://h:2376", DOCKER_TLS_VERIFY: "1" }, {}, { url: "https://h:2376", tls: own }],
    [{ DOCKER_HOST: "tcp://h" }, {}, { url: "http://h:2375" }],
    [{ DOCKER_HOST: "tcp://[::1]" }, {}, { url: "http://[::1]:2375" }],
    [{ DOCKER_HOST: "tcp://h:80" }, {}, { url: "http://h" }],
    [{ DOCKER_HOST: "tcp://h", DOCKER_CERT_PATH: folder }, {}, { url: "https://h:2376", tls: own }],
    [{ DOCKER_HOST: "unix:///x" }, { dockerDaemonHost: "http://h:1" }, { url: "http://h:1" }],
    [{}, { dockerDaemonHost: "tcp://h:1", dockerDaemonCertPath: folder }, { url: "https://h:1", tls: own }],
  ];
  for (const [variables, choices, { url, socket, tls }] of rows) {
    const found = await findDockerEndpoint(choices, (name) => variables[name]);
    assert.deepEqual([found.url, found.socket, found.tls], [url, socket, tls], JSON.stringify([variables, choices]));
  }
  const wrong: [Record<string, string>, string, RegExp][] = [
    [
      { DOCKER_HOST: "ssh://h" },
      "INVALID_REFERENCE",
      /"ssh:\/\/h" \(from DOCKER_HOST\): ssh:\/\/ is not supported: forward/,
    ],
    [{ DOCKER_HOST: "h:2375" }, "INVALID_REFERENCE", /write unix:\/\/\/PATH, tcp:/],
    [{ ...config, DOCKER_CONTEXT: "other" }, "CONFIG_FILE_UNREADABLE", /"other"/],
  ];
  for (const [variables, code, message] of wrong) {
    await assert.rejects(findDockerEndpoint({}, (name) => variables[name]), { code, message });
  }
  await Deno.remove(`${folder}/key.pem`);
  const variables: Record<string, string> = { DOCKER_HOST: "tcp://h:1", DOCKER_CERT_PATH: folder };
  const found = findDockerEndpoint({}, (name) => variables[name]);
  await assert.rejects(found, { code: "CONFIG_FILE_UNREADABLE", message: /key\.pem is missing/ });
});

/** Serves a daemon on a socket that answers as recorded from Docker. */
function serveDaemon(
  folder: string,
  handle: (request: Request) => Response | Promise<Response>,
  version: string | undefined = "1.41",
) {
  const path = `${folder}/d.sock`;
  const server = Deno.serve({ path, onListen: () => {} } as Deno.ServeUnixOptions, (request) => {
    if (request.method === "HEAD") return new Response(null, { headers: { "api-version": version } });
    return handle(request);
  });
  return { host: `unix://${path}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

folderTest("docker-daemon: a load that fails with status 200 is an error", async (folder) => {
  await using registry = startEmbedded();
  const image = makeImage({ architecture: "amd64" });
  await pushImage(clientOf(registry.host).repository("app"), image, "1");
  const paths: string[] = [];
  let end = "\n";
  await using daemon = serveDaemon(folder, async (request) => {
    paths.push(new URL(request.url).pathname);
    await request.body?.cancel();
    return new Response(
      `{"stream":"Loading"}\n{"errorDetail":{"message":"no space left"},"error":"no space left"}${end}`,
    );
  });
  const systemContext = { dockerInsecureSkipTlsVerify: true, dockerDaemonHost: daemon.host };
  const copy = () =>
    copyImage(`docker://${registry.host}/app:1`, "docker-daemon:localhost/app:1", { systemContext, maxRetries: 0 });
  await assert.rejects(copy(), { code: "TRANSPORT_IO", message: /no space left/ });
  // The last line may have no end.
  end = "";
  await assert.rejects(copy(), { code: "TRANSPORT_IO", message: /no space left/ });
  assert.deepEqual(paths, ["/v1.41/images/load", "/v1.41/images/load"]);
  // The archive that is not sent is closed.
  systemContext.dockerDaemonHost = `unix://${folder}/none.sock`;
  await assert.rejects(copy(), { code: "NETWORK" });
});

folderTest("docker-daemon: the older of the two versions of the API is used, if it is not too old", async (folder) => {
  const rows = [["1.24", "1.24"], ["1.54", "1.54"], ["1.99", "1.54"], ["2.0", "1.54"], ["none", "1.54"], ["1.23", ""]];
  for (const [theirs, used] of rows) {
    const paths: string[] = [];
    await using daemon = serveDaemon(folder, (request) => {
      paths.push(new URL(request.url).pathname);
      return new Response("", { status: 404 });
    }, theirs);
    const opened = parseImageName("docker-daemon:x:1").openSource({ dockerDaemonHost: daemon.host });
    await assert.rejects(
      opened,
      used ? { code: "NOT_FOUND" } : { code: "TRANSPORT_IO", message: /is older than 1\.24/ },
    );
    assert.deepEqual(paths, used ? [`/v${used}/images/get`] : []);
  }
});

folderTest("docker-daemon: an answer to a load fails unless it is JSON without an error", async (folder) => {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64" }), "1");
  let answer = "";
  await using daemon = serveDaemon(folder, async (request) => {
    await request.body?.cancel();
    return new Response(answer);
  });
  const systemContext = { dockerInsecureSkipTlsVerify: true, dockerDaemonHost: daemon.host };
  const load = () => copyImage(`docker://${registry.host}/app:1`, "docker-daemon:localhost/app:1", { systemContext });
  const good = ['{"stream":"Loaded image: localhost/app:1"}\r\n', '{"stream":"a"}{"stream":"b","error":null}', ""];
  for (const text of good) {
    answer = text;
    await load();
  }
  const bad: [string, RegExp][] = [
    ['{"stream":"a"}{"errorDetail":{"message":"broken"},"error":"broken"}', /it reported "broken"/],
    ['{"stream":"a"} {"error":"broken"}\n', /it reported "broken"/],
    ['{"errorDetail":{"code":5}}\n', /it reported .*errorDetail/],
    [`{"errorDetail":{"message":"${"q".repeat(100_000)}"}}\n`, /it reported .*qqq/],
    ["<html>Log in</html>", /it reported "<html>Log in/],
  ];
  for (const [text, message] of bad) {
    answer = text;
    await assert.rejects(load(), { code: "TRANSPORT_IO", message }, text.slice(0, 80));
  }
});

/** Serves a daemon that closes the connection in the middle of each answer, except that of `/_ping`. */
function breakAnswers(folder: string) {
  const path = `${folder}/d.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const handle = async (connection: Deno.Conn) => {
    const bytes = new Uint8Array(64 * 1024);
    let request = "";
    const end = () => request.startsWith("POST") ? "\r\n0\r\n\r\n" : "\r\n\r\n";
    for (let count; !request.endsWith(end()) && (count = await connection.read(bytes)) !== null;) {
      request += String.fromCharCode(...bytes.subarray(0, count));
    }
    const answer = request.startsWith("HEAD")
      ? "api-version: 1.41\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
      : 'transfer-encoding: chunked\r\n\r\n13\r\n{"stream":"Lo';
    await connection.write(new TextEncoder().encode(`HTTP/1.1 200 OK\r\n${answer}`));
    connection.close();
  };
  const serving = (async () => {
    for await (const connection of listener) await handle(connection);
  })();
  return {
    host: `unix://${path}`,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

folderTest("docker-daemon: a connection that breaks in an answer is named", async (folder) => {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64" }), "1");
  await using daemon = breakAnswers(folder);
  const systemContext = { dockerInsecureSkipTlsVerify: true, dockerDaemonHost: daemon.host };
  const name = "docker-daemon:localhost/app:1";
  const failure = { code: "NETWORK", message: /^Cannot read the answer of the Docker daemon at unix:.*d\.sock: / };
  await assert.rejects(copyImage(`docker://${registry.host}/app:1`, name, { systemContext }), failure);
  await assert.rejects(parseImageName(name).openSource(systemContext), failure);
});

folderTest("docker-daemon: errors of the daemon are reported in its words", async (folder) => {
  const rows: [Response, string, RegExp][] = [
    [Response.json({ message: "reference does not exist" }, { status: 404 }), "NOT_FOUND", /reference does not exist/],
    [Response.json({ message: "x: image not known" }, { status: 500 }), "NOT_FOUND", /image not known/],
    [new Response("client version 1.11 is too old", { status: 400 }), "TRANSPORT_IO", /too old/],
    [new Response("not a tar archive"), "ARCHIVE_INVALID", /docker-daemon:localhost\/x:1/],
  ];
  let answer: Response;
  await using daemon = serveDaemon(folder, () => answer);
  const systemContext = { dockerDaemonHost: daemon.host };
  for (const [response, code, message] of rows) {
    answer = response;
    await assert.rejects(parseImageName("docker-daemon:localhost/x:1").openSource(systemContext), { code, message });
  }
  const nowhere = { dockerDaemonHost: `unix://${folder}/none.sock` };
  await assert.rejects(parseImageName("docker-daemon:x:1").openSource(nowhere), { code: "NETWORK" });
});

/** Starts podman's Docker-compatible service with a store of its own. */
async function startPodman(folder: string) {
  const flags = ["--root", `${folder}/r`, "--runroot", `${folder}/rr`, "--storage-driver", "vfs"];
  const path = `${folder}/podman.sock`;
  const args = [...flags, "system", "service", "-t", "0", `unix://${path}`];
  const child = new Deno.Command("podman", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  for (;;) {
    try {
      (await Deno.connect({ transport: "unix", path })).close();
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    host: `unix://${path}`,
    podman: ["podman", ...flags],
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
    },
  };
}

folderTest(
  "docker-daemon: images go to podman's service and back, with equal configuration and layers",
  async (folder) => {
    await using registry = startEmbedded();
    await using service = await startPodman(folder);
    const layers = [makeTar("a", "base\n"), makeTar("b", "top\n")];
    const image = makeImage({ architecture: "amd64", layers });
    await pushImage(clientOf(registry.host).repository("app"), image, "1");
    const systemContext = { dockerInsecureSkipTlsVerify: true, dockerDaemonHost: service.host };
    await copyImage(`docker://${registry.host}/app:1`, "docker-daemon:localhost/app:1", { systemContext });
    const config = image.blobs.at(-1)!.descriptor.digest;
    assert.equal(
      `sha256:${await ok([...service.podman, "images", "-q", "--no-trunc"]).then((id) => id.slice(7))}`,
      config,
    );

    await using source = await parseImageName("docker-daemon:localhost/app:1").openSource(systemContext);
    const { bytes, mediaType } = await source.getManifest();
    const read = parseManifest(bytes, mediaType) as ParsedImage;
    assert.equal(read.config?.digest, config);
    assert.deepEqual(read.layers.map(({ digest }) => digest), layers.map((layer) => digestOf(layer)));

    // A list of images that were built with docker, without a registry of their own.
    const list = create();
    await list.add("docker-daemon:localhost/app:1", { systemContext });
    const pushed = await list.push(`docker://${registry.host}/app:list`, { systemContext });
    assert.equal(
      await clientOf(registry.host).repository("app").getManifest("list").then(({ digest }) => digest),
      pushed.digest,
    );

    // The way back: skopeo reads an image that this module wrote, and this module one that skopeo wrote.
    const skopeo = ["skopeo", "copy", "-q"];
    const daemonHost = (side: string) => [`--${side}-daemon-host`, service.host];
    await ok([...skopeo, ...daemonHost("src"), "docker-daemon:localhost/app:1", `dir:${folder}/dir`]);
    await ok([
      ...skopeo,
      "--src-tls-verify=false",
      ...daemonHost("dest"),
      `docker://${registry.host}/app:1`,
      "docker-daemon:localhost/theirs:1",
    ]);
    const env = { DOCKER_HOST: service.host };
    const ours = await exec([...CLI, "copy", "docker-daemon:localhost/theirs:1", `oci:${folder}/layout:1`], env);
    assert.equal(ours.code, 0, ours.stderr);
    const explained = await exec(
      [...CLI, "--root", `${folder}/root`, "create", "--explain", "app", "docker-daemon:localhost/theirs:1"],
      env,
    );
    assert.ok(
      explained.stderr.includes(
        `docker-daemon:localhost/theirs:1 of the Docker daemon at ${service.host} (from DOCKER_HOST) because`,
      ),
      explained.stderr,
    );
    const inspected = JSON.parse(await ok(["skopeo", "inspect", "--config", "--raw", `oci:${folder}/layout:1`]));
    assert.deepEqual(inspected.rootfs.diff_ids, layers.map((layer) => digestOf(layer)));
  },
  ["podman", "skopeo", "root"],
);
