import type { Fetch } from "../../src/internal/room.ts";

/** A signature as the extension has it. */
export interface ExtensionSignature {
  schemaVersion: number;
  name: string;
  type: string;
  content: string;
}

/** A registry that keeps simple signatures, as OpenShift's does. */
export interface ExtendedRegistry {
  /** The registry with the extension. */
  fetch: Fetch;
  /** Stored signatures by `repository@digest`. */
  signatures: Map<string, ExtensionSignature[]>;
  /** Methods of the requests to the extension, such as `PUT`. */
  asked: string[];
  /** Answers instead of the extension, unless it returns `undefined` and leaves the request unread. */
  instead?: (request: Request) => Promise<Response | undefined> | Response | undefined;
}

const ROUTE = /^\/extensions\/v2\/(.+)\/signatures\/(sha256:[0-9a-f]{64})$/;

/**
 * Adds the extension `X-Registry-Supports-Signatures` to a registry.
 *
 * @param header What stands in the header; `""`: it is not there.
 */
export function addSignatureExtension(registry: { fetch: Fetch }, header = "1"): ExtendedRegistry {
  const extended: ExtendedRegistry = {
    signatures: new Map(),
    asked: [],
    async fetch(request) {
      const { pathname } = new URL(request.url);
      const [, repository, digest] = ROUTE.exec(pathname) ?? [];
      if (repository === undefined) {
        const response = await registry.fetch(request);
        if (pathname === "/v2/" && header) response.headers.set("x-registry-supports-signatures", header);
        return response;
      }
      extended.asked.push(request.method);
      return await refuseStrangers(registry, request, repository) ?? await extended.instead?.(request) ??
        await answer(extended.signatures, request, { repository, digest: digest! });
    },
  };
  return extended;
}

/** Signatures are as guarded as what they are about. */
async function refuseStrangers(
  { fetch }: { fetch: Fetch },
  request: Request,
  repository: string,
): Promise<Response | undefined> {
  const { headers, method, url } = request;
  const rest = method === "GET" ? "tags/list" : "blobs/uploads/";
  const response = await fetch(
    new Request(new URL(`/v2/${repository}/${rest}`, url), {
      headers: { authorization: headers.get("authorization") ?? "" },
      method: method === "GET" ? "GET" : "POST",
    }),
  );
  if (response.status === 401) return response;
  await response.body?.cancel();
}

async function answer(
  signatures: ExtendedRegistry["signatures"],
  request: Request,
  { repository, digest }: { repository: string; digest: string },
): Promise<Response> {
  const key = `${repository}@${digest}`;
  const kept = signatures.get(key) ?? [];
  if (request.method === "GET") {
    // Go encodes an empty slice that was never set as `null`.
    return Response.json({ signatures: kept.length > 0 ? kept : null });
  }
  const added: ExtensionSignature = await request.json();
  const fits = added.schemaVersion === 2 && added.type === "atomic" && added.name.startsWith(`${digest}@`);
  if (request.method !== "PUT" || !fits) return Response.json({ errors: [{ code: "INVALID" }] }, { status: 400 });
  if (kept.some(({ name }) => name === added.name)) return new Response(null, { status: 409 });
  signatures.set(key, [...kept, added]);
  return new Response(null, { status: 201 });
}
