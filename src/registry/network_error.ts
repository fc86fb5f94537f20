import { ManifestsError } from "../spec/room.ts";
import { isBlockedPort } from "./blocked_ports.ts";
import { redactUrl } from "./redact.ts";

/**
 * Texts of permanent failures in Deno, Node.js and their TLS libraries: certificates, a server without TLS, names that do
 * not exist, and missing permissions of this process.
 */
const PERMANENT_FAILURE =
  /certificate|InvalidContentType|CERT_|SELF_SIGNED|UNABLE_TO_|ERR_TLS|EPROTO|Name or service not known|nodename nor servname|No such host|no address associated|ENOTFOUND|are blocked|Requires \w+ access/i;

/** Texts with which Deno, Node, Chromium, Firefox and Safari refuse a port; browsers use theirs for other failures too. */
const PORT_REFUSALS = /are blocked|bad port|failed to fetch|NetworkError|Load failed/i;

/**
 * Returns the error for a failed `fetch`. Its message is always "fetch failed"; the reason is only in the text of the
 * cause, together with the full URL, which is removed.
 */
export function toNetworkError(method: string, url: string, error: unknown): ManifestsError {
  const causes: unknown[] = [];
  for (let at = error; at instanceof Error && causes.length < 8; at = at.cause) causes.push(at);
  const domain = causes.find((at) => at instanceof ManifestsError);
  if (domain) return domain as ManifestsError;
  const text = String((causes.at(-1) as Error | undefined)?.message ?? error);
  const { port } = new URL(url);
  if (isBlockedPort(new URL(url)) && PORT_REFUSALS.test(text)) {
    return new ManifestsError(
      "PORT_BLOCKED",
      `Cannot ${method} ${redactUrl(url)}: fetch refuses to connect to port ${port}. Use another port, or the main ` +
        "module instead of ./remote: it does not use fetch for such ports",
    );
  }
  const tail = (/client error.*/s.exec(text)?.[0] ?? text).replace(/https?:\/\/\S+/g, "");
  // The error of `fetch` is not passed on as the cause: it contains the whole URL, which may be signed.
  return new ManifestsError("NETWORK", `Cannot ${method} ${redactUrl(url)}: ${tail.slice(0, 300)}`, {
    isTransient: PERMANENT_FAILURE.test(text) ? false : undefined,
  });
}
