/**
 * Produces one error of each code, as a user would. `tests/golden/error_messages.txt` holds the messages, so that a
 * reviewer can read all of them on one page. After a message has changed, write the page again:
 *
 * ```sh
 * deno test -A tests/errors/messages_test.ts -- --update
 * ```
 */
import assert from "node:assert/strict";
import { ERROR_CODES, type ErrorCode } from "../../mod.ts";
import { peerTest } from "../support/peers.ts";
import { CONFIG_ROWS } from "./config_rows.ts";
import { COPY_ROWS } from "./copy_rows.ts";
import { GPG_ROWS } from "./gpg_rows.ts";
import { LIST_ROWS } from "./list_rows.ts";
import { REGISTRY_ROWS } from "./registry_rows.ts";
import { RELEASE_ROWS } from "./release_rows.ts";
import { SIGNATURE_ROWS } from "./signature_rows.ts";
import { STORE_ROWS } from "./store_rows.ts";
import { TRANSPORT_ROWS } from "./transport_rows.ts";
import { ErrorWorld } from "./world.ts";

const TABLES = [
  CONFIG_ROWS,
  COPY_ROWS,
  GPG_ROWS,
  LIST_ROWS,
  REGISTRY_ROWS,
  RELEASE_ROWS,
  SIGNATURE_ROWS,
  STORE_ROWS,
  TRANSPORT_ROWS,
];
const GOLDEN = new URL("../golden/error_messages.txt", import.meta.url);
const UPDATE = "deno test -A tests/errors/messages_test.ts -- --update";

/** Runs a row. Returns the error that it throws, or the reason for a refusal that it returns. */
async function produce(
  world: ErrorWorld,
  run: (world: ErrorWorld) => unknown,
): Promise<{ code?: string; text: string }> {
  // deno-lint-ignore no-explicit-any -- The test checks what it is.
  const found: any = await (async () => await run(world))().catch((error) => error);
  return { code: found?.code, text: String(found?.message ?? found?.reason) };
}

/** Replaces paths, ports, digests and ids, which differ between runs. */
function normalize(text: string, folder: string): string {
  return text
    .replaceAll(folder, "FOLDER")
    .replace(/\/[^\s"'@+[\]]*?\/store-\w+/g, "STORE")
    .replace(/127\.0\.0\.1:(?!6000\b)\d+/g, "127.0.0.1:PORT")
    .replace(/\bsha256:[0-9a-f]{64}\b/g, "sha256:DIGEST")
    .replace(/\b[0-9a-f]{64}\b/g, "ID")
    .replace(/\b([0-9A-F]{40}|[0-9A-Fa-f]{16})\b/g, "KEY")
    .replace(/\(os error \d+\)/g, "(os error N)")
    .replaceAll("\n", " ");
}

Deno.test("every error code has a row, and no more than one", () => {
  const codes = TABLES.flatMap((rows) => Object.keys(rows));
  assert.deepEqual(codes.toSorted(), ERROR_CODES.toSorted());
});

peerTest("one error of each code has the message of tests/golden/error_messages.txt", ["gpg"], async () => {
  await using world = await ErrorWorld.create();
  const lines: string[] = [];
  const wrong: string[] = [];
  for (const [code, run] of TABLES.flatMap((rows) => Object.entries(rows)).toSorted(([a], [b]) => a < b ? -1 : 1)) {
    const found = await produce(world, run);
    const text = normalize(found.text, world.folder);
    if (found.code !== (code as ErrorCode)) wrong.push(`${code}: got ${found.code}: ${text}`);
    lines.push(`${code}: ${text}\n`);
  }
  assert.deepEqual(wrong, []);
  const page = lines.join("");
  if (Deno.args.includes("--update")) await Deno.writeTextFile(GOLDEN, page);
  assert.equal(page, await Deno.readTextFile(GOLDEN), `If these messages are right, run: ${UPDATE}`);
});
