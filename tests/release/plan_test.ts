/** The plan of a release as a pure function: which step each tag gets. */
import assert from "node:assert/strict";
import { findNewer } from "../../src/release/latest.ts";
import { matchesGlob } from "../../src/release/glob.ts";
import { hasChanges, planRelease, type ReleaseSurvey, summarize, type TagState } from "../../src/release/plan.ts";
import { type Digest, digestOf, MEDIA_TYPES, parseManifest, parsePlatform } from "../../src/spec/room.ts";
import { describe, encode } from "../support/images.ts";

/** An index of images for platforms, written as `platform=content`. */
function makeIndex(...entries: string[]) {
  const manifests = entries.map((entry) => {
    const [platform, content] = entry.split("=") as [string, string];
    return { ...describe(MEDIA_TYPES.ociManifest, encode(content)), platform: parsePlatform(platform) };
  });
  const bytes = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests });
  return { digest: digestOf(bytes), manifest: parseManifest(bytes, MEDIA_TYPES.ociIndex) };
}

const digest = (text: string): Digest => digestOf(encode(text));
const TAG = "r.example/app:1.2.3";
const NEW = makeIndex("linux/amd64=new", "linux/arm64=same");
const OLD = makeIndex("linux/amd64=old", "linux/arm64=same", "linux/s390x=gone");
const OTHER = digest("of somebody else");

function survey(states: Record<string, TagState>, more: Partial<ReleaseSurvey> = {}): ReleaseSurvey {
  return { index: NEW, sources: {}, missing: [], tags: new Map(Object.entries(states)), holds: new Map(), ...more };
}

Deno.test("a tag gets its step from the registry, the lock and the file", () => {
  const at = (state: Digest | null | undefined): TagState => ({ digest: state });
  const rows: [
    state: Digest | null | undefined,
    recorded: Digest | undefined,
    index: Digest | undefined,
    step: string,
  ][] = [
    [null, undefined, undefined, "add"],
    [undefined, undefined, undefined, "add"],
    [undefined, OLD.digest, undefined, "add"],
    [NEW.digest, undefined, undefined, "keep"],
    [NEW.digest, OLD.digest, undefined, "keep"],
    [OLD.digest, undefined, undefined, "move"],
    [OLD.digest, OLD.digest, undefined, "move"],
    // A run that was killed after it moved the tag, before it recorded that.
    [OLD.digest, OTHER, OLD.digest, "move"],
    [OTHER, OLD.digest, undefined, "drift"],
    [OTHER, OLD.digest, NEW.digest, "drift"],
    [null, OLD.digest, undefined, "drift"],
    [null, OLD.digest, OLD.digest, "drift"],
  ];
  for (const [state, recorded, index, step] of rows) {
    const locked = { sources: {}, tags: recorded ? { [TAG]: recorded } : {}, ...(index ? { index } : {}) };
    const plan = (options = {}) =>
      planRelease("app", { targets: [TAG], immutable: [] }, locked, survey({ [TAG]: at(state) }), options).tags[0]!;
    assert.equal(plan().action, step, `${state} ${recorded} ${index}`);
    if (step === "drift") assert.equal(plan({ force: true }).action, state === null ? "add" : "move");
  }
});

Deno.test("a tag that moves shows the differences by platform; a new tag shows all platforms", () => {
  const { tags: [moved] } = planRelease(
    "app",
    { targets: [TAG], immutable: [] },
    { sources: {}, tags: {} },
    survey({ [TAG]: OLD }),
  );
  assert.deepEqual(moved!.difference.instances, [
    { platform: "linux/amd64", before: digest("old"), after: digest("new"), fields: [] },
    { platform: "linux/s390x", before: digest("gone"), after: undefined, fields: [] },
  ]);
  const { tags: [added], entries } = planRelease(
    "app",
    { targets: [TAG], immutable: [] },
    { sources: {}, tags: {} },
    survey({ [TAG]: { digest: null } }),
  );
  assert.deepEqual(entries, [
    { platform: "linux/amd64", digest: digest("new") },
    { platform: "linux/arm64", digest: digest("same") },
  ]);
  assert.deepEqual(added!.difference.instances.map(({ platform, after }) => ({ platform, digest: after })), entries);
});

Deno.test("an immutable tag is created, but never moved, even by force", () => {
  const plan = (state: TagState, tag = TAG) =>
    planRelease("app", { targets: [tag], immutable: ["*.*.*"] }, { sources: {}, tags: {} }, survey({ [tag]: state }), {
      force: true,
    }).tags[0]!;
  assert.equal(plan({ digest: null }).action, "add");
  assert.equal(plan(NEW).action, "keep");
  assert.deepEqual([plan(OLD).action, plan(OLD).reason], ["refuse", "immutable: *.*.*"]);
  assert.equal(plan(OLD, "r.example/app:1.2").action, "move");
});

Deno.test("patterns of tags know * and ?", () => {
  const rows: [string, string, boolean][] = [
    ["1.2.3", "*.*.*", true],
    ["1.2", "*.*.*", false],
    ["1x2x3", "1.2.3", false],
    ["v1", "v?", true],
    ["v10", "v?", false],
    ["latest", "*", true],
    ["a-b", "a-?", true],
  ];
  for (const [tag, glob, expected] of rows) assert.equal(matchesGlob(tag, glob), expected, `${tag} ${glob}`);
});

Deno.test("latest stays if the repository has a newer version, or the release is a pre-release", () => {
  const rows: [own: string[], existing: string[], reason: string | undefined][] = [
    [["1.2.3", "1.2", "latest"], [], undefined],
    [["1.10.0"], ["1.9.0", "1.2", "latest", "nightly"], undefined],
    [["1.9.1"], ["1.10.0"], "1.10.0 is newer than 1.9.1"],
    [["v1.9.1"], ["v1.10.0", "v1.9.0"], "v1.10.0 is newer than v1.9.1"],
    [["1.2.3"], ["1.2.3", "2.0.0-rc.1"], undefined],
    [["2.0.0-rc.1"], ["1.0.0"], "2.0.0-rc.1 is a pre-release"],
    [["10000000000.0.0"], ["9.99.99"], undefined],
  ];
  for (const [own, existing, reason] of rows) assert.equal(findNewer(own, existing), reason, own.join());
  const [version, latest] = ["r.example/app:1.2.3", "r.example/app:latest"];
  const { tags } = planRelease(
    "app",
    { targets: [version, latest], immutable: [] },
    { sources: {}, tags: { [latest]: OTHER } },
    survey({ [version]: { digest: null }, [latest]: OLD }, {
      holds: new Map([["r.example/app", "2.0.0 is newer than 1.2.3"]]),
    }),
  );
  assert.deepEqual(tags.map(({ action }) => action), ["add", "hold"]);
});

Deno.test("only tags that the lock has are deleted, and only if they are as they were published", () => {
  const locked = { sources: {}, tags: { [TAG]: NEW.digest, "r.example/app:old": OLD.digest } };
  const plan = (state: Digest | null | undefined, options = {}) =>
    planRelease(
      "app",
      { targets: [TAG], immutable: [] },
      locked,
      survey({ [TAG]: NEW, "r.example/app:old": { digest: state } }),
      options,
    )
      .tags[1]!;
  assert.equal(plan(undefined).action, "leave");
  assert.equal(plan(OLD.digest, { prune: true }).action, "delete");
  assert.equal(plan(OTHER, { prune: true }).action, "drift");
  assert.equal(plan(OTHER, { prune: true, force: true }).action, "delete");
  assert.equal(plan(null, { prune: true }).action, "forget");
  const removed = planRelease("app", undefined, locked, survey({}, { index: undefined }));
  assert.deepEqual(removed.tags.map(({ action }) => action), ["leave", "leave"]);
});

Deno.test("a plan counts its steps; only tags that are written or deleted are changes", () => {
  const steps = ["add", "move", "keep", "hold", "leave"] as const;
  const tags = steps.map((action) => ({ reference: TAG, action, difference: { instances: [], fields: [] } }));
  const { summary } = summarize([{ name: "app", entries: [], sources: {}, missing: [], tags }]);
  assert.deepEqual([summary.add, summary.move, summary.keep, summary.drift], [1, 1, 1, 0]);
  assert.equal(hasChanges(summary), true);
  assert.equal(hasChanges({ ...summary, add: 0, move: 0 }), false);
});
