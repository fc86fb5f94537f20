import { mayReadEnv, readEnv } from "../../config/files/room.ts";
import {
  type ClientKey,
  type FetchHandle,
  getBytes,
  isBlockedPort,
  isSizedStream,
  type TlsIdentity,
} from "../../registry/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/**
 * Opens the function that sends the requests of one registry client. It uses HTTP/1.1, because `fetch` uploads over
 * HTTP/2 at a hundredth of the speed. `node:https` replaces `fetch` in the cases that `fetch` always rejects: any
 * certificate problem of an insecure registry, a server that uses the certificate of a trusted authority itself, and
 * blocked ports, also after a redirect. `node:http` also sends large blobs over plain HTTP, which costs less CPU time; over
 * TLS it gains nothing, and it would trust other authorities than `fetch`.
 */
export function openFetch({ host, tls, insecure = false }: ClientKey): FetchHandle {
  const client = openClient(host, tls);
  let opening: Promise<FetchHandle> | undefined;
  let refusesCertificate = false;
  const open = async () => {
    const { findProxy, openNodeFetch } = await import("../../registry/node/room.ts");
    return openNodeFetch({ ...tls, skipVerification: insecure, findProxy: (url) => findProxy(url, readEnv) });
  };
  return {
    async fetch(request) {
      const url = new URL(request.url);
      const isUpload = url.protocol === "http:" && isSizedStream(request) && !mayNeedProxy();
      if (!refusesCertificate && !isUpload && !isBlockedPort(url)) {
        try {
          const body = getBytes(request);
          if (!body) return await fetch(request, { client });
          const { method, headers, redirect, signal } = request;
          return await fetch(request.url, { method, headers, redirect, signal, body, client });
        } catch (error) {
          // The first request to a registry has no body, so it can be sent again.
          if (request.body || !isAcceptable(findCertificateProblem(error), insecure, tls)) throw error;
          refusesCertificate = true;
        }
      }
      return await (await (opening ??= open())).fetch(request);
    },
    close() {
      client.close();
      opening?.then((handle) => handle.close(), () => {});
    },
  };
}

/** Variables that name a proxy for plain HTTP to `fetch`. */
const PROXY_VARIABLES: readonly string[] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/** Returns whether a proxy is set; also if that cannot be read, because `fetch` uses it without the permission. */
function mayNeedProxy(): boolean {
  return PROXY_VARIABLES.some((name) => !mayReadEnv(name) || readEnv(name));
}

/** Finds the certificate problem in an error of `fetch`; `undefined` if it failed for another reason. */
function findCertificateProblem(error: unknown): string | undefined {
  const texts: string[] = [];
  for (let at = error; at instanceof Error && texts.length < 8; at = at.cause) texts.push(at.message);
  return /invalid peer certificate: (.*)/s.exec(texts.join("\n"))?.[1];
}

/**
 * Checks if `node:https` may accept the certificate. `openssl req -x509` creates certificates that are authority and
 * server in one: Go accepts them if they are trusted, `fetch` does not.
 */
function isAcceptable(problem: string | undefined, insecure: boolean, tls: TlsIdentity | undefined): boolean {
  if (problem === undefined) return false;
  return insecure || (problem.includes("CaUsedAsEndEntity") && tls !== undefined && tls.caCerts.length > 0);
}

function openClient(host: string, { caCerts, cert, key }: TlsIdentity = { caCerts: [] }): Deno.HttpClient {
  const identity = cert !== undefined && key !== undefined ? { cert, key } : {};
  try {
    return Deno.createHttpClient({ http2: false, poolMaxIdlePerHost: 32, caCerts: [...caCerts], ...identity });
  } catch (cause) {
    const reason = (cause as Error).message;
    throw new ManifestsError("CONFIG_FILE_INVALID", `Cannot use the certificates for ${host}: ${reason}`, { cause });
  }
}
