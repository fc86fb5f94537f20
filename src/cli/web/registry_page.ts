import type { Registry } from "../../server/room.ts";
import { answerPage, type PageFunctions } from "./answer_page.ts";

/** Answers a request for the page of a registry, or from it; returns `undefined` for requests to the registry itself. */
export async function answerRegistryPage(request: Request, registry: Registry): Promise<Response | undefined> {
  return await answerPage(request, { kind: "registry" }, (request) => createFunctions(request, registry));
}

/** Creates functions that read images with the rights of the caller: their requests have its credentials. */
function createFunctions({ headers, signal }: Request, registry: Registry): PageFunctions {
  const authorization = headers.get("authorization");
  // All requests stay in this process, whatever registry the name of an image names.
  const fetch = async (request: Request): Promise<Response> => {
    const copy = new Request(request);
    if (authorization !== null) copy.headers.set("authorization", authorization);
    return await registry.fetch(copy);
  };
  const options = { systemContext: { fetch }, signal };
  return {
    async inspect(image) {
      const { inspectIndex } = await import("../../system/remote/room.ts");
      const { formatInspection } = await import("../../actions/room.ts");
      return formatInspection(await inspectIndex(image, options));
    },
    async validate(image) {
      const { validateIndex } = await import("../../system/remote/room.ts");
      return await validateIndex(image, options);
    },
  };
}
