/** The lines of a plan. */
import assert from "node:assert/strict";
import { formatPlan, formatSummary } from "../../src/cli/format/release_plan.ts";
import { createStyle } from "../../src/cli/format/style.ts";
import { planRelease, summarize } from "../../src/release/plan.ts";
import { digestOf, MEDIA_TYPES, parseManifest, parsePlatform } from "../../src/spec/room.ts";
import { describe, encode } from "../support/images.ts";

const STYLE = createStyle({ isTerminal: false, env: () => undefined });
const short = (text: string) => digestOf(encode(text)).slice(0, 19);

Deno.test("each step has its mark and its reason, and a difference is shown once for all its tags", () => {
  const manifests = [["linux/amd64", "image"], ["unknown/unknown", "attestation"]].map(([platform, content]) => ({
    ...describe(MEDIA_TYPES.ociManifest, encode(content!)),
    platform: parsePlatform(platform!),
  }));
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  const index = { digest: digestOf(bytes), manifest: parseManifest(bytes, MEDIA_TYPES.ociIndex) };
  const other = digestOf(encode("other"));
  const at = (tag: string) => `r.example/app:${tag}`;
  const targets = ["1", "2", "moved", "kept", "latest", "1.2.3", "drifted", "deleted"].map(at);
  const release = planRelease(
    "app",
    { targets, immutable: ["*.*.*"] },
    { sources: {}, tags: { [at("drifted")]: index.digest, [at("deleted")]: index.digest, [at("old")]: other } },
    {
      index,
      sources: {},
      missing: ["r.example/app:riscv64"],
      holds: new Map([["r.example/app", "2.0.0 is newer than 1.2.3"]]),
      tags: new Map([
        [at("1"), { digest: null }],
        [at("2"), { digest: null }],
        [at("moved"), { digest: other }],
        [at("kept"), { digest: index.digest }],
        [at("latest"), { digest: other }],
        [at("1.2.3"), { digest: other }],
        [at("drifted"), { digest: other }],
        [at("deleted"), { digest: null }],
      ]),
    },
  );
  const plan = summarize([release]);
  const added = [`    + linux/amd64 ${short("image")}`, `    + attestation ${short("attestation")}`];
  const to = index.digest.slice(0, 19), from = short("other");
  assert.deepEqual(formatPlan(plan, STYLE), [
    `app: ${index.digest} (linux/amd64)`,
    "  optional source not found: r.example/app:riscv64",
    "+ r.example/app:1",
    "+ r.example/app:2",
    ...added,
    `~ r.example/app:moved ${from} -> ${to}`,
    ...added,
    "= r.example/app:kept",
    "= r.example/app:latest stays: 2.0.0 is newer than 1.2.3",
    `! r.example/app:1.2.3 immutable: *.*.*: found ${from}, not ${to}`,
    ...added,
    `! r.example/app:drifted drift: published ${to}, found ${from}`,
    ...added,
    `! r.example/app:deleted drift: published ${to}, found no tag`,
    ...added,
    "? r.example/app:old is not in the file any more: --prune deletes it",
  ]);
  assert.equal(
    formatSummary(plan.summary),
    "Plan: 2 to add, 1 to move, 2 unchanged, 2 drifted, 1 immutable, 1 old tag.",
  );
  assert.match(formatSummary(plan.summary, true), /^Applied: 2 added, 1 moved, 2 unchanged/);
});
