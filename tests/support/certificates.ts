import { ok } from "./peers.ts";

/** Files of an authority and of what it has signed, in PEM. */
export interface TestCertificates {
  /** The authority's certificate. */
  ca: string;
  /** A server's certificate and key, for 127.0.0.1 and localhost. */
  server: { certificate: string; key: string };
  /** A client's certificate and key. */
  client: { certificate: string; key: string };
}

/** Makes an authority with certificates for a server and a client, with openssl. */
export async function makeCertificates(folder: string): Promise<TestCertificates> {
  const file = (name: string) => `${folder}/${name}`;
  const run = (...args: string[]) => ok(["openssl", ...args]);
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run(
    "req",
    "-x509",
    ...newKey,
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem"),
    "-subj",
    "/CN=test authority",
  );
  const sign = async (name: string, extensions: string) => {
    await Deno.writeTextFile(file(`${name}.ext`), extensions);
    await run("req", ...newKey, "-keyout", file(`${name}.key`), "-out", file(`${name}.csr`), "-subj", `/CN=${name}`);
    const by = ["-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial"];
    await run(
      "x509",
      "-req",
      "-in",
      file(`${name}.csr`),
      ...by,
      "-extfile",
      file(`${name}.ext`),
      "-out",
      file(`${name}.pem`),
    );
    return { certificate: file(`${name}.pem`), key: file(`${name}.key`) };
  };
  return {
    ca: file("ca.pem"),
    server: await sign("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n"),
    client: await sign("client", "extendedKeyUsage=clientAuth\n"),
  };
}
