import assert from "node:assert/strict";
import { RegistryClient } from "../../src/registry/room.ts";
import { MEDIA_TYPES, parseReference } from "../../src/spec/room.ts";
import { PullPlaces } from "../../src/transport/docker/pull_places.ts";
import { encode } from "../support/images.ts";

const MANIFEST = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [] });

/** Opens a mirror and its registry, which answers the first requests for a manifest with 500. */
function openPlaces(failures: number) {
  const requests: string[] = [];
  const fetch = (request: Request): Promise<Response> => {
    const { host, pathname } = new URL(request.url);
    requests.push(`${host}${pathname}`);
    if (host === "mirror.example") return Promise.reject(new TypeError("tcp connect error: Connection refused"));
    if (pathname === "/v2/") return Promise.resolve(new Response(""));
    return Promise.resolve(failures-- > 0 ? new Response("", { status: 500 }) : new Response(MANIFEST));
  };
  const reference = parseReference("r.example/app:1");
  const places = [parseReference("mirror.example/app:1"), reference].map((reference) => ({
    reference,
    insecure: false,
  }));
  const acquire = ({ reference: { domain } }: (typeof places)[number]) =>
    Promise.resolve({
      client: new RegistryClient(domain, { fetch, timeouts: { retryDelay: 0 } }),
      [Symbol.dispose]: () => {},
    });
  return { places: new PullPlaces(reference, places, acquire), requests };
}

Deno.test("only the last place is retried, an unavailable mirror is not", async () => {
  const { places, requests } = openPlaces(1);
  const { bytes } = await places.read((repository, call) => repository.getManifest("1", call));
  assert.deepEqual(bytes, MANIFEST);
  assert.deepEqual(requests, [
    "mirror.example/v2/",
    "r.example/v2/",
    "r.example/v2/app/manifests/1",
    "r.example/v2/app/manifests/1",
  ]);
});

Deno.test("a failure at all places is temporary if one of them is", async () => {
  const { places } = openPlaces(Infinity);
  const reading = places.read((repository, call) => repository.getManifest("1", call), { maxRetries: 0 });
  await assert.rejects(reading, { code: "REGISTRY_ERROR", isTransient: true, message: /Mirrors also failed/ });
});
