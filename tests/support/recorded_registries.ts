import { createMemoryStorage, createRegistry, type RegistryOptions } from "../../src/server/room.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { makeImage, pushImage, type TestImage } from "./images.ts";
import { serve, type TestRegistry } from "./registries.ts";

/** A registry on loopback that writes down which manifests it is asked for, and by whom. */
export interface RecordedRegistry extends TestRegistry {
  /** `path:tag user:password`, or `path:tag -` for a stranger, one per request for a manifest. */
  asked: string[];
  /** Puts an image there, past any access control. */
  put(path: string, tag: string, image?: TestImage): Promise<TestImage>;
  /** Puts the manifest of an image there, and nothing that it names. */
  putManifest(path: string, tag: string, image: TestImage): Promise<void>;
}

/** Starts one. */
export function startRecorded(options: Partial<RegistryOptions> = {}): RecordedRegistry {
  const storage = createMemoryStorage();
  const registry = createRegistry({ storage, ...options });
  // Past any access control.
  const open = new RegistryClient("registry.example", { fetch: createRegistry({ storage }).fetch });
  const asked: string[] = [];
  const server = serve((request) => {
    const [, path, target] = /\/v2\/(.*)\/manifests\/(.*)$/.exec(new URL(request.url).pathname) ?? [];
    const basic = atob(/^Basic (.*)$/.exec(request.headers.get("authorization") ?? "")?.[1] ?? "");
    // skopeo has no name and no password for a stranger.
    if (path) asked.push(`${path}:${target} ${basic === "" || basic === ":" ? "-" : basic}`);
    return registry.fetch(request);
  });
  return {
    ...server,
    asked,
    put: async (path, tag, image = makeImage({ architecture: "amd64" })) => {
      await pushImage(open.repository(path), image, tag);
      return image;
    },
    putManifest: async (path, tag, image) => {
      const repository = open.repository(path);
      await pushImage(repository, image, tag);
      for (const { descriptor } of image.blobs) await storage.deleteBlob(path, descriptor.digest);
    },
  };
}
