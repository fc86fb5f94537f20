/** A `fetch` over `node:http(s)`: certificates, proxies, aborts. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import { findProxy, type NodeFetchOptions, openNodeFetch } from "../../src/registry/node/room.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { folderTest } from "../support/folders.ts";
import { ok } from "../support/peers.ts";

interface Certificate {
  cert: string;
  key: string;
}

/** Creates certificates of every kind; `ca` signs the others, except the self-signed ones. */
async function makeCertificates(folder: string) {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const read = async (name: string): Promise<Certificate> => ({
    cert: await Deno.readTextFile(`${folder}/${name}.crt`),
    key: await Deno.readTextFile(`${folder}/${name}.key`),
  });
  const selfSigned = async (name: string, ...extensions: string[]) => {
    const files = ["-keyout", `${folder}/${name}.key`, "-out", `${folder}/${name}.crt`];
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    await ok(["openssl", "req", "-x509", ...key, ...files, "-subj", `/CN=${name}`, ...added]);
    return await read(name);
  };
  const ca = await selfSigned("ca");
  const signed = async (name: string, alternative: string, ...times: string[]) => {
    const csr = `${folder}/${name}.csr`;
    await ok(["openssl", "req", ...key, "-keyout", `${folder}/${name}.key`, "-out", csr, "-subj", `/CN=${name}`]);
    await Deno.writeTextFile(`${folder}/${name}.ext`, `subjectAltName=${alternative}\n`);
    const by = ["-CA", `${folder}/ca.crt`, "-CAkey", `${folder}/ca.key`, "-CAcreateserial"];
    const out = ["-out", `${folder}/${name}.crt`, "-extfile", `${folder}/${name}.ext`];
    await ok(["openssl", "x509", "-req", "-in", csr, ...by, ...out, ...times]);
    return await read(name);
  };
  return {
    ca,
    good: await signed("good", "IP:127.0.0.1,DNS:localhost"),
    "wrong host": await signed("wrong", "DNS:other.test"),
    expired: await signed("expired", "IP:127.0.0.1", "-days", "-1"),
    "self-signed": await selfSigned("self", "subjectAltName=IP:127.0.0.1", "basicConstraints=critical,CA:FALSE"),
    "self-signed authority": await selfSigned("selfca", "subjectAltName=IP:127.0.0.1"),
  };
}

/** An empty registry over TLS; `seen` is called for each request. */
async function startTls(options: object, seen: (request: IncomingMessage) => void = () => {}) {
  const server = createTlsServer(options, (request, response) => {
    seen(request);
    response.writeHead(request.url === "/v2/" ? 200 : 404).end();
  });
  return await listen(server);
}

async function listen(server: Server) {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    host: `127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Requests content that a registry does not have. */
async function ask(host: string, options: NodeFetchOptions): Promise<undefined> {
  const { fetch, close } = openNodeFetch(options);
  try {
    const client = new RegistryClient(host, { fetch, timeouts: { retryDelay: 1 } });
    assert.equal(await client.repository("app").headManifest("1"), undefined);
  } finally {
    close();
  }
}

folderTest("certificates of every kind: verified, trusted, and not checked", async (folder) => {
  const { ca, ...certificates } = await makeCertificates(folder);
  // Results if the authority is trusted, and if the certificate itself is.
  const byAuthority = ["good"], byItself = ["self-signed", "self-signed authority"];
  for (const [kind, certificate] of Object.entries(certificates)) {
    await using server = await startTls(certificate);
    const outcome = async (options: NodeFetchOptions, right: boolean) => {
      if (right) await ask(server.host, options);
      else await assert.rejects(ask(server.host, options), { code: "NETWORK" }, kind);
    };
    await outcome({}, false);
    await outcome({ caCerts: [ca.cert] }, byAuthority.includes(kind));
    await outcome({ caCerts: [certificate.cert] }, byItself.includes(kind));
    await outcome({ skipVerification: true }, true);
  }
}, ["openssl"]);

folderTest(
  "a client certificate is presented, and skipped verification is limited to one registry",
  async (folder) => {
    const { ca, good, "self-signed": self } = await makeCertificates(folder);
    await using strict = await startTls({ ...good, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
    await ask(strict.host, { caCerts: [ca.cert], ...good });
    await assert.rejects(ask(strict.host, { caCerts: [ca.cert] }), { code: "NETWORK" });
    await using odd = await startTls(self);
    const [skipped, verified] = await Promise.allSettled([
      ask(odd.host, { skipVerification: true }),
      ask(odd.host, {}),
    ]);
    assert.deepEqual([skipped.status, verified.status], ["fulfilled", "rejected"]);
  },
  ["openssl"],
);

/** A proxy that tunnels, and forwards plain requests. The requests to it are recorded. */
async function startProxy(allow: (authorization: string | undefined) => boolean = () => true) {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (allow(request.headers["proxy-authorization"])) {
      response.writeHead(request.url!.endsWith("/v2/") ? 200 : 404).end();
    } else response.writeHead(407).end();
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (!allow(request.headers["proxy-authorization"])) return socket.end("HTTP/1.1 407 No\r\n\r\n");
    const [host, port] = request.url!.split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Yes\r\n\r\n");
      onward.pipe(socket);
      socket.pipe(onward);
    });
    for (const end of [onward, socket as Socket]) {
      sockets.add(end);
      end.on("error", () => end.destroy());
    }
  });
  const listening = await listen(server);
  return {
    host: listening.host,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await listening[Symbol.asyncDispose]();
    },
  };
}

folderTest("requests go through a proxy with its password, which is not in errors", async (folder) => {
  const { good, ca } = await makeCertificates(folder);
  await using server = await startTls(good);
  const password = `Basic ${btoa("me:p@ss")}`;
  await using proxy = await startProxy((authorization) => authorization === password);
  const through = (userinfo: string): NodeFetchOptions => ({
    caCerts: [ca.cert],
    findProxy: () => new URL(`http://${userinfo}${proxy.host}`),
  });
  await ask(server.host, through("me:p%40ss@"));
  assert.deepEqual(new Set(proxy.asked), new Set([`CONNECT ${server.host}`]));
  await assert.rejects(ask(server.host, through("me:hunter2@")), (error) => {
    assert.match(Deno.inspect(error), /proxy .* 407/);
    assert.doesNotMatch(Deno.inspect(error), /hunter2|aHVudGVyMg/);
    return true;
  });
  proxy.asked.length = 0;
  const { fetch, close } = openNodeFetch(through("me:p%40ss@"));
  assert.equal((await fetch(new Request("http://plain.example/v2/x"))).status, 404);
  close();
  assert.deepEqual(proxy.asked, ["GET http://plain.example/v2/x"]);
}, ["openssl"]);

Deno.test("a proxy may have an IPv6 address", async () => {
  await using proxy = await startProxy(() => false);
  // The address of an IPv4 host in IPv6: it also works if no interface has an IPv6 address.
  const address = `http://${proxy.host.replace("127.0.0.1", "[::ffff:127.0.0.1]")}`;
  const { fetch, close } = openNodeFetch({ findProxy: () => new URL(address) });
  await assert.rejects(fetch(new Request("https://[2001:db8::1]:5000/v2/")), /proxy .* answered 407/);
  close();
  assert.deepEqual(proxy.asked, ["CONNECT [2001:db8::1]:5000"]);
});

Deno.test("an aborted request, and an aborted body, reject with the reason", async () => {
  const arrived = Promise.withResolvers<void>();
  await using server = await listen(createServer((request, response) => {
    if (request.url === "/body") response.writeHead(200).write("some");
    else arrived.resolve();
  }));
  const { fetch, close } = openNodeFetch();
  const reason = { enough: true };
  for (const path of ["/nothing", "/body"]) {
    const abort = new AbortController();
    const asking = fetch(new Request(`http://${server.host}${path}`, { signal: abort.signal }));
    if (path === "/nothing") {
      arrived.promise.then(() => abort.abort(reason));
      await assert.rejects(asking, (error) => error === reason);
    } else {
      const reader = (await asking).body!.getReader();
      assert.equal(new TextDecoder().decode((await reader.read()).value), "some");
      const reading = reader.read();
      abort.abort(reason);
      await assert.rejects(reading, (error) => error === reason);
    }
  }
  close();
});

Deno.test("an abort ends a request whose body stalls", async () => {
  const started = Promise.withResolvers<void>();
  await using server = await listen(createServer((request) => request.once("data", () => started.resolve())));
  const { fetch, close } = openNodeFetch();
  const reason = { enough: true };
  // The first chunks decide how the body is sent, so it stalls after none, one, or more of them.
  for (const chunks of [0, 1, 3]) {
    const abort = new AbortController();
    const cancelled = Promise.withResolvers<unknown>();
    let sent = 0;
    const body = new ReadableStream({
      pull: (controller) => sent++ < chunks ? controller.enqueue(new Uint8Array(9)) : new Promise(() => {}),
      cancel: cancelled.resolve,
    });
    const request = new Request(`http://${server.host}/`, { method: "PUT", body, signal: abort.signal });
    const sending = fetch(request);
    if (chunks > 2) await started.promise;
    abort.abort(reason);
    await assert.rejects(sending, (error) => error === reason);
    await cancelled.promise;
  }
  close();
});

Deno.test("a body of one chunk is sent with its length, and streams are chunked", async () => {
  const seen: string[] = [];
  await using server = await listen(createServer((request, response) => {
    seen.push(`${request.headers["content-length"]} ${request.headers["transfer-encoding"]}`);
    request.resume().on("end", () => response.writeHead(204).end());
  }));
  const { fetch, close } = openNodeFetch();
  const stream = new Blob(["0123456789"]).stream().pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (bytes, controller) => bytes.forEach((byte) => controller.enqueue(new Uint8Array([byte]))),
    }),
  );
  for (const body of [null, new Uint8Array(), new Uint8Array(100_000), stream]) {
    assert.equal((await fetch(new Request(`http://${server.host}/`, { method: "PUT", body }))).status, 204);
  }
  close();
  assert.deepEqual(seen, ["0 undefined", "0 undefined", "100000 undefined", "undefined chunked"]);
});

Deno.test("findProxy() reads the environment as Go programs do", () => {
  const environment: Record<string, string> = {
    HTTP_PROXY: "http://plain:3128",
    "https_proxy": "secure:3128",
    NO_PROXY: "direct.example, .sub.example,*.star.example,10.0.0.0/8,ported.example:8443,192.0.2.1,::1",
  };
  const rows: [url: string, proxy: string | undefined][] = [
    ["http://a.example/", "http://plain:3128/"],
    ["https://a.example/", "http://secure:3128/"],
    ["https://direct.example/", undefined],
    ["https://also.direct.example/", undefined],
    ["https://notdirect.example/", "http://secure:3128/"],
    ["https://sub.example/", "http://secure:3128/"],
    ["https://x.sub.example/", undefined],
    ["https://x.star.example/", undefined],
    ["https://10.1.2.3:5000/", undefined],
    ["https://11.1.2.3/", "http://secure:3128/"],
    ["https://192.0.2.1/", undefined],
    ["https://ported.example:8443/", undefined],
    ["https://ported.example/", "http://secure:3128/"],
    ["https://localhost:5000/", undefined],
    ["http://127.0.0.2:5000/", undefined],
    ["http://[::1]:5000/", undefined],
  ];
  const read = (name: string) => environment[name];
  for (const [url, proxy] of rows) assert.equal(findProxy(new URL(url), read)?.href, proxy, url);
  assert.equal(findProxy(new URL("https://a.example/"), () => undefined), undefined);
  assert.equal(findProxy(new URL("https://a.example/"), (name) => name === "NO_PROXY" ? "*" : "p:1"), undefined);
});
