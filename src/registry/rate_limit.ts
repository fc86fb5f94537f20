import { readStream } from "../internal/room.ts";
import { getBody } from "./body.ts";
import { isRateLimit, MAX_ERROR_BODY, parseDiagnostics } from "./errors.ts";
import type { HttpResponse } from "./http_types.ts";

/**
 * Returns whether a response is a rate limit: 429, or a 403 with `Retry-After` or a text that reports one (GitHub's
 * "secondary rate limit"). The body of a 403 is read to find out; the returned response contains it again.
 */
export async function findRateLimit(
  method: string,
  answer: HttpResponse,
): Promise<{ answer: HttpResponse; limited: boolean }> {
  const { status, statusText, headers } = answer.response;
  if (status !== 403) return { answer, limited: status === 429 };
  if (headers.has("retry-after")) return { answer, limited: true };
  if (method === "HEAD") return { answer, limited: false };
  const body = await readStream(getBody(answer), MAX_ERROR_BODY).catch(() => undefined);
  const response = new Response(body ?? null, { status, statusText, headers });
  const diagnostics = parseDiagnostics(new TextDecoder().decode(body), headers.get("content-type") ?? "");
  return { answer: { ...answer, response }, limited: diagnostics.some(isRateLimit) };
}
