import { decodeUtf8, readStream } from "../../internal/room.ts";
import type { PageSettings } from "../../page/room.ts";
import { isManifestsError } from "../../spec/room.ts";
import { formatError } from "../errors.ts";

/** Functions that the page calls by `POST /NAME` with an image. */
export type PageFunctions = { readonly [name in "inspect" | "validate"]: (image: string) => Promise<unknown> };

/** Maximum size of a request's body, in bytes. */
const MAX_BODY = 4096;
/** HTTP status for errors that the page treats differently. */
const STATUS: Readonly<Record<string, number>> = { UNAUTHORIZED: 401, DENIED: 403, NOT_FOUND: 404 };

/** Answers a request for the page, or from the page; returns `undefined` for other paths. */
export async function answerPage(
  request: Request,
  settings: PageSettings,
  createFunctions: (request: Request) => PageFunctions,
): Promise<Response | undefined> {
  const { pathname, origin } = new URL(request.url);
  if (pathname === "/" && (request.method === "GET" || request.method === "HEAD")) {
    const { createPage } = await import("../../page/room.ts");
    const page = await createPage(settings);
    return request.method === "HEAD" ? new Response(null, page) : page;
  }
  const name = pathname.slice(1);
  if (request.method !== "POST" || name !== "inspect" && name !== "validate") return undefined;
  if ((request.headers.get("origin") ?? origin) !== origin) {
    return answerError(403, "DENIED", "it is from another origin");
  }
  // Pages of other origins cannot send this type without asking.
  if (request.headers.get("content-type") !== "application/json") {
    return answerError(415, "", "the content-type must be application/json");
  }
  const image = await readImage(request);
  if (image === undefined) return answerError(400, "", 'the body must be {"image": "NAME"}');
  try {
    return answerJson(200, await createFunctions(request)[name](image));
  } catch (error) {
    const code = isManifestsError(error) ? error.code : "";
    return answerJson(STATUS[code] ?? 500, { error: { code, message: formatError(error) } });
  }
}

async function readImage({ body }: Request): Promise<string | undefined> {
  const bytes = body && await readStream(body, MAX_BODY);
  try {
    const { image } = JSON.parse(decodeUtf8(bytes!));
    return typeof image === "string" ? image : undefined;
  } catch {
    return undefined;
  }
}

function answerError(status: number, code: string, problem: string): Response {
  return answerJson(status, { error: { code, message: `Cannot answer the request: ${problem}` } });
}

function answerJson(status: number, value: unknown): Response {
  return Response.json(value, {
    status,
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" },
  });
}
