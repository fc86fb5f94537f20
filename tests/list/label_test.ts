import assert from "node:assert/strict";
import { OfflineList } from "../../src/list/room.ts";
import { digestOf, type Platform } from "../../src/spec/room.ts";

const DIGEST = digestOf(new Uint8Array([1]));
const WINDOWS: Platform = {
  os: "windows",
  architecture: "amd64",
  osVersion: "10.0.17763.1",
  osFeatures: ["win32k"],
};

function createList(platform: Platform): OfflineList {
  const list = new OfflineList();
  list.addInstance({ digest: DIGEST, size: 1, mediaType: "application/vnd.oci.image.manifest.v1+json", platform });
  return list;
}

Deno.test("label() completes the platform of an instance, and keeps members that the label does not have", () => {
  const list = createList({ os: "linux", architecture: "arm" });
  list.label(DIGEST, { architecture: "arm", variant: "v7", osFeatures: [] });
  list.label(DIGEST, { os: "", osVersion: "6.1" });
  assert.deepEqual({ ...list.platform(DIGEST) }, { os: "linux", architecture: "arm", variant: "v7", osVersion: "6.1" });
  assert.throws(() => list.label("sha256:unknown", {}), { code: "INSTANCE_NOT_FOUND" });
});

Deno.test("label() rejects each field that contradicts the instance, and then changes nothing", () => {
  const rows: [label: Partial<Platform>, field: string, actual: string][] = [
    [{ os: "linux" }, "OS", "windows"],
    [{ architecture: "arm64" }, "architecture", "amd64"],
    [{ osVersion: "10.0.20348.1" }, "OS version", "10.0.17763.1"],
    [{ osFeatures: ["win32k", "other"] }, "OS features", "win32k"],
  ];
  for (const [label, field, actual] of rows) {
    const list = createList(WINDOWS);
    const message = new RegExp(`for ${field} "${actual}", not ".*--allow-platform-mismatch`);
    assert.throws(() => list.label(DIGEST, { variant: "v2", ...label }), { code: "PLATFORM_MISMATCH", message });
    assert.deepEqual({ ...list.platform(DIGEST) }, WINDOWS);
    const seen: unknown[] = [];
    list.label(DIGEST, label, { allowPlatformMismatch: true, onMismatch: (mismatch) => seen.push(mismatch) });
    assert.deepEqual(seen, [{ field, label: String(Object.values(label)[0]), actual }]);
    assert.deepEqual({ ...list.platform(DIGEST) }, { ...WINDOWS, ...label });
  }
  const arm = createList({ os: "linux", architecture: "arm", variant: "v7" });
  assert.throws(() => arm.label(DIGEST, { variant: "v6" }), { code: "PLATFORM_MISMATCH" });
});

Deno.test("label() accepts OS features that the instance already has, and keeps the others", () => {
  const list = createList({ ...WINDOWS, osFeatures: ["win32k", "other"] });
  list.label(DIGEST, { osFeatures: ["other"] });
  assert.deepEqual(list.osFeatures(DIGEST), ["win32k", "other"]);
});

Deno.test("label() rejects values and options that it does not know", () => {
  const list = createList(WINDOWS);
  // @ts-expect-error: what a caller without types may pass
  assert.throws(() => list.label(DIGEST, { os: 1 }), TypeError);
  // @ts-expect-error: what a caller without types may pass
  assert.throws(() => list.label(DIGEST, {}, { force: true }), TypeError);
});
