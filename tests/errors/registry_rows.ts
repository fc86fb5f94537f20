/** Errors of talking to registries. */
import { copyImage, create, editRemoteList, fetchManifest } from "../../mod.ts";
import type { SystemContext } from "../../src/image/room.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { inspectIndex } from "../../src/system/remote/mod.ts";
import { encode } from "../support/images.ts";
import { serve } from "../support/registries.ts";
import { type ErrorRows, type ErrorWorld, HOST, IMAGE, MISSING, NAME, UNSIGNED } from "./world.ts";

/** Reads an image of a registry that answers every request for a manifest with this. */
function read(world: ErrorWorld, status: number, code: string, message: string): Promise<unknown> {
  const systemContext = world.answering(({ url }) =>
    Promise.resolve(
      url.endsWith("/v2/") ? new Response("{}") : Response.json({ errors: [{ code, message }] }, { status }),
    )
  );
  return fetchManifest(NAME, { systemContext });
}

/** Reads a manifest by a digest that is not the one of its content. */
async function readOtherContent({ answeringFirst }: ErrorWorld): Promise<void> {
  const systemContext = answeringFirst(({ url }) =>
    url.endsWith(MISSING)
      ? new Response(IMAGE.manifest, { headers: { "content-type": MEDIA_TYPES.ociManifest } })
      : undefined
  );
  await fetchManifest(`${HOST}/app@${MISSING}`, { systemContext });
}

/** Edits a list whose tag somebody else moves before every write. */
async function loseEveryRace(world: ErrorWorld): Promise<void> {
  let round = 0;
  const index = () =>
    encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [], annotations: { round: `${round++}` } });
  const repository = world.repository("raced");
  await repository.putManifest("1", index());
  const move = async () => void await repository.putManifest("1", index());
  await editRemoteList(`${HOST}/raced:1`, async (list) => {
    list.setAnnotations(undefined, { by: "me" });
    await move();
  }, { systemContext: world.systemContext, maxAttempts: 2, ...UNSIGNED });
}

/** Copies an image whose manifest states a wrong size of its layer. */
async function copyWrongSize({ repository, systemContext, folder }: ErrorWorld): Promise<void> {
  const { layers, ...manifest } = JSON.parse(new TextDecoder().decode(IMAGE.manifest));
  await repository().putManifest("size", encode({ ...manifest, layers: [{ ...layers[0], size: 7 }] }));
  await copyImage(`docker://${HOST}/app:size`, `dir:${folder}/size`, { systemContext, ...UNSIGNED });
}

/** A port of this machine at which nobody listens. */
async function closedPort(): Promise<string> {
  await using server = serve(() => new Response());
  return server.host;
}

const insecure: SystemContext = { dockerInsecureSkipTlsVerify: true, maxRetries: 0 };

export const REGISTRY_ROWS: ErrorRows = {
  CONFLICT: loseEveryRace,
  DENIED: (world) => read(world, 403, "DENIED", "requested access to the resource is denied"),
  DIGEST_MISMATCH: readOtherContent,
  MANIFEST_REJECTED: ({ answeringFirst }) =>
    create().push(`${HOST}/app:1`, {
      systemContext: answeringFirst(({ method }) =>
        method === "PUT"
          ? Response.json({ errors: [{ code: "MANIFEST_INVALID", message: "manifest invalid" }] }, { status: 400 })
          : undefined
      ),
      ...UNSIGNED,
    }),
  NETWORK: async () => await fetchManifest(`${await closedPort()}/app:1`, { systemContext: insecure }),
  NOT_FOUND: ({ systemContext }) => fetchManifest(`${HOST}/app:none`, { systemContext }),
  PORT_BLOCKED: () => inspectIndex("127.0.0.1:6000/app:1", { systemContext: insecure }),
  REGISTRY_ERROR: (world) => read(world, 500, "UNKNOWN", "storage is full"),
  SIZE_MISMATCH: copyWrongSize,
  TOO_MANY_REQUESTS: (world) => read(world, 429, "TOOMANYREQUESTS", "pull rate limit reached"),
  UNAUTHORIZED: (world) => read(world, 401, "UNAUTHORIZED", "authentication required"),
};
