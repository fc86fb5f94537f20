import { encodeBase64, encodeUtf8 } from "../internal/room.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** Settings of the page; see `web/settings.ts`, which reads them. */
export interface PageSettings {
  /** Kind of server: the service, a registry, or the command `inspect --web`. */
  readonly kind: "service" | "registry" | "inspect";
  /** Images that `inspect --web` shows; two are compared. Default: none. */
  readonly images?: readonly string[] | undefined;
  /** Whether the service has a fan-in. Default: `false`. */
  readonly fanIn?: boolean | undefined;
}

/**
 * Creates the answer to a `GET` request for the page. It contains no data: its script requests that as JSON,
 * from paths relative to that of the page.
 */
export async function createPage(settings: PageSettings): Promise<Response> {
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": await createPolicy(),
    "cache-control": "no-cache",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    // For browsers that do not know `frame-ancestors`.
    "x-frame-options": "DENY",
  };
  return new Response(formatPage(settings), { headers });
}

/** Allows exactly the style and the script of the page, and requests to its own server. */
async function createPolicy(): Promise<string> {
  return [
    "default-src 'none'",
    `script-src '${await hashSource(SCRIPT)}'`,
    `style-src '${await hashSource(STYLE)}'`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    // No text can become HTML or a script, whatever the script of the page does.
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

async function hashSource(text: string): Promise<string> {
  return `sha256-${encodeBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", encodeUtf8(text))))}`;
}

function formatPage(settings: PageSettings): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Multi-arch images</title>
<style>${STYLE}</style>
<body data-settings="${escapeAttribute(JSON.stringify(settings))}">
<noscript>This page needs JavaScript.</noscript>
<script>${SCRIPT}</script>
</html>
`;
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
