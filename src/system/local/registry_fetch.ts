import { readEnv } from "../../config/files/room.ts";
import { type ClientKey, type FetchHandle, isBlockedPort, type TlsIdentity } from "../../registry/room.ts";
import { ManifestsError } from "../../spec/room.ts";

/**
 * A way to send for each client of a registry. HTTP/1.1, because `fetch` uploads over HTTP/2 at a hundredth of the
 * speed. Where a certificate is one that `fetch` takes from nobody, but that is wanted all the same, `node:https` takes
 * over: whatever certificate of a registry that may be insecure, and an authority's own where it is among the trusted.
 * So it does for the ports that `fetch` connects to nowhere, wherever the registry leads.
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
      if (!refusesCertificate && !isBlockedPort(new URL(request.url))) {
        try {
          return await fetch(request, { client });
        } catch (error) {
          // The first request to a registry has no body, and so can be made again.
          if (request.body || !isWanted(certificateProblem(error), insecure, tls)) throw error;
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

/** What `fetch` says is wrong with a certificate; `undefined` where it failed for another reason. */
function certificateProblem(error: unknown): string | undefined {
  const texts: string[] = [];
  for (let at = error; at instanceof Error && texts.length < 8; at = at.cause) texts.push(at.message);
  return /invalid peer certificate: (.*)/s.exec(texts.join("\n"))?.[1];
}

/** `openssl req -x509` makes certificates that are authority and server in one; Go takes them, the TLS of `fetch` not. */
function isWanted(problem: string | undefined, insecure: boolean, tls: TlsIdentity | undefined): boolean {
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
