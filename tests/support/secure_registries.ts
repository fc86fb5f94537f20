/** docker-registry as it runs in the world: with TLS and passwords, or with a token service. */
import { createPrivateKey, sign } from "node:crypto";
import { type FetchHandle, RegistryClient, type RegistryClientOptions } from "../../src/registry/room.ts";
import { ok } from "./peers.ts";
import { serve, startDockerRegistry, type TestRegistry } from "./registries.ts";

/** Access to the registries. */
export const CREDENTIALS = { username: "me", password: "secret:1" };
/** Their password, as `htpasswd -B` writes it. */
const HTPASSWD = "me:$2b$04$I5K/ETbru8zj2Ei/e7zlie7zNkEDH8IgyuG4O4EeiqElvr1XZoUWi\n";

/** Files of a certificate and of the authority that signed it. */
export interface Certificates extends AsyncDisposable {
  folder: string;
  /** The authority, as PEM. */
  ca: string;
}

/** A certificate for 127.0.0.1, and the authority that signed it. */
export async function makeCertificates(): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "certificates-" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const at = (name: string) => `${folder}/${name}`;
  await ok([
    "openssl",
    "req",
    "-x509",
    ...key,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.crt"),
    "-subj",
    "/CN=authority",
  ]);
  await ok(["openssl", "req", ...key, "-keyout", at("tls.key"), "-out", at("tls.csr"), "-subj", "/CN=registry"]);
  await Deno.writeTextFile(at("tls.ext"), "subjectAltName=IP:127.0.0.1\nbasicConstraints=CA:FALSE\n");
  const signed = ["-CA", at("ca.crt"), "-CAkey", at("ca.key"), "-CAcreateserial", "-extfile", at("tls.ext")];
  await ok(["openssl", "x509", "-req", "-in", at("tls.csr"), "-out", at("tls.crt"), ...signed]);
  const dispose = () => Deno.remove(folder, { recursive: true });
  return { folder, ca: await Deno.readTextFile(at("ca.crt")), [Symbol.asyncDispose]: dispose };
}

/** docker-registry over TLS, with passwords; `open` makes a client's way to send, given the authority. */
export async function startHtpasswdRegistry(open?: (ca: string) => FetchHandle): Promise<TestRegistry> {
  const stack = new AsyncDisposableStack();
  const { folder, ca } = stack.use(await makeCertificates());
  const handle = open?.(ca);
  if (handle) stack.defer(() => handle.close());
  await Deno.writeTextFile(`${folder}/htpasswd`, HTPASSWD);
  const connections = Deno.createHttpClient({ caCerts: [ca], http2: false });
  const registry = stack.use(
    await startDockerRegistry({
      tls: { certificate: `${folder}/tls.crt`, key: `${folder}/tls.key` },
      config: `auth: {htpasswd: {realm: test, path: ${folder}/htpasswd}}\n`,
    }),
  );
  stack.defer(() => connections.close());
  return withClient(registry, stack, {
    fetch: handle?.fetch ?? ((request) => fetch(request, { client: connections })),
  });
}

/** docker-registry with the token service of {@linkcode startTokenService}. */
export async function startTokenRegistry(): Promise<TestRegistry> {
  const stack = new AsyncDisposableStack();
  const { folder } = stack.use(await makeCertificates());
  const service = stack.use(await startTokenService(folder));
  const token = `realm: "http://${service.host}/token", service: test, issuer: test, rootcertbundle: ${folder}/ca.crt`;
  const registry = stack.use(await startDockerRegistry({ config: `auth: {token: {${token}}}\n` }));
  return withClient(registry, stack, { insecure: true });
}

function withClient(registry: TestRegistry, stack: AsyncDisposableStack, options: RegistryClientOptions): TestRegistry {
  return {
    host: registry.host,
    errors: registry.errors,
    client: () => new RegistryClient(registry.host, { credentials: CREDENTIALS, ...options }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** A token service: signs what it is asked for, for who knows the password. */
async function startTokenService(folder: string): Promise<TestRegistry> {
  const key = createPrivateKey(await Deno.readTextFile(`${folder}/tls.key`));
  const certificate = (await Deno.readTextFile(`${folder}/tls.crt`)).replace(/-----[^-]*-----|\s/g, "");
  const encode = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url" });
  const password = `Basic ${btoa(`${CREDENTIALS.username}:${CREDENTIALS.password}`)}`;
  return serve((request) => {
    if (request.headers.get("authorization") !== password) return new Response("{}", { status: 401 });
    const access = new URL(request.url).searchParams.getAll("scope").map((scope) => {
      const [type, ...rest] = scope.split(":");
      return { type, name: rest.slice(0, -1).join(":"), actions: rest.at(-1)!.split(",") };
    });
    const now = Math.floor(Date.now() / 1000);
    const times = { exp: now + 300, nbf: now - 10, iat: now };
    const claims = { iss: "test", sub: "me", aud: "test", jti: crypto.randomUUID(), ...times, access };
    const text = `${encode({ typ: "JWT", alg: "ES256", x5c: [certificate] })}.${encode(claims)}`.replaceAll("=", "");
    const signature = sign("sha256", new TextEncoder().encode(text), { key, dsaEncoding: "ieee-p1363" });
    const signed = new Uint8Array(signature).toBase64({ alphabet: "base64url", omitPadding: true });
    return Response.json({ token: `${text}.${signed}`, expires_in: 300 });
  });
}
