import assert from "node:assert/strict";
import { create, List, MEDIA_TYPES } from "../../mod.ts";

const digest = (c: string) => `sha256:${c.repeat(64)}`;
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const [A, B, C] = [digest("a"), digest("b"), digest("c")] as const;
const OCI = MEDIA_TYPES.ociManifest;

function filled(...digests: string[]): List {
  const list = create();
  for (const digest of digests) {
    list.addInstance({ digest, size: 495, mediaType: OCI, platform: { os: "linux", architecture: "amd64" } });
  }
  return list;
}

Deno.test("an empty list is the Docker list that buildah writes", () => {
  const empty =
    '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":null}';
  assert.equal(text(create().serialize()), empty);
  assert.equal(
    text(create().serialize(MEDIA_TYPES.ociIndex)),
    `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":null}`,
  );
});

Deno.test("a list that lost its last instance has [], not null", () => {
  const list = filled(A);
  list.remove(A);
  assert.match(text(list.serialize()), /manifest\.list\.v2\+json","manifests":\[\]\}$/);
  const failed = create();
  assert.throws(() => failed.remove(A), { code: "INSTANCE_NOT_FOUND" });
  assert.match(text(failed.serialize()), /"manifests":null/);
});

Deno.test("serialize() chooses the form that loses least, as Go does", () => {
  const choose = (change: (list: List) => void, ...digests: string[]) => {
    const list = filled(...digests);
    change(list);
    return list.preferredMediaType;
  };
  const { ociIndex, dockerList } = MEDIA_TYPES;
  assert.equal(choose(() => {}), dockerList);
  assert.equal(choose(() => {}, A), ociIndex);
  assert.equal(choose((l) => l.setFeatures(A, ["sse"]), A), dockerList);
  assert.equal(choose((l) => (l.setFeatures(A, ["sse"]), l.setAnnotations(A, { a: "b" })), A), ociIndex);
  assert.equal(choose((l) => l.setAnnotations(undefined, { a: "b" })), ociIndex);
  assert.equal(choose((l) => l.setArtifactType(undefined, "t")), ociIndex);
  assert.equal(choose((l) => (l.setFeatures(A, ["sse"]), l.setArtifactType(A, "t")), A), ociIndex);
  assert.equal(choose((l) => (l.setFeatures(A, ["sse"]), l.setUrls(A, ["https://x"])), A), dockerList);
  assert.throws(() => create().serialize("text/plain"), { code: "MANIFEST_TYPE_NOT_SUPPORTED" });
});

Deno.test("adding a digest again replaces its entry, moves it to the end and drops its old annotations", () => {
  const list = filled(A, B);
  list.setAnnotations(A, { old: "1" });
  list.setUrls(A, ["https://x"]);
  list.addInstance({ digest: A, size: 1, mediaType: "other", annotations: { new: "2" } });
  assert.deepEqual(list.instances(), [B, A]);
  assert.deepEqual(list.annotations(A), { new: "2" });
  assert.deepEqual(list.urls(A), []);
  assert.equal(list.architecture(A), "");
  assert.equal(list.ociV1().manifests![1]!.platform, undefined);
  assert.deepEqual(list.docker().manifests![1]!.platform, { architecture: "", os: "" });
});

Deno.test("every getter reads what its setter wrote", () => {
  const list = filled(A);
  list.setOs(A, "windows");
  list.setArchitecture(A, "arm64");
  list.setVariant(A, "v8");
  list.setOsVersion(A, "10.0");
  list.setOsFeatures(A, ["win32k"]);
  list.setFeatures(A, ["sse"]);
  list.setUrls(A, ["https://x"]);
  list.setMediaType(A, "type");
  list.setArtifactType(A, "artifact");
  const got = [
    list.os(A),
    list.architecture(A),
    list.variant(A),
    list.osVersion(A),
    list.osFeatures(A),
    list.features(A),
    list.urls(A),
    list.mediaType(A),
    list.artifactType(A),
  ];
  assert.deepEqual(got, ["windows", "arm64", "v8", "10.0", ["win32k"], ["sse"], ["https://x"], "type", "artifact"]);
  assert.equal(list.docker().manifests![0]!.mediaType, OCI, "the Docker form keeps its media type");
});

Deno.test("annotations merge, are cleared, and survive odd keys", () => {
  const list = filled(A);
  for (const target of [A, undefined]) {
    list.setAnnotations(target, { b: "1", "10": "x" });
    list.setAnnotations(target, JSON.parse('{"b":"2","9":"y","__proto__":"z"}'));
    assert.deepEqual(Object.entries(list.annotations(target)).sort(), [
      ["10", "x"],
      ["9", "y"],
      ["__proto__", "z"],
      ["b", "2"],
    ]);
  }
  assert.match(text(list.serialize()), /"annotations":\{"10":"x","9":"y","__proto__":"z","b":"2"\}\}$/);
  assert.throws(() => list.setAnnotations(A, JSON.parse('{"version":1.2}')), TypeError);
  list.clearAnnotations(A);
  list.clearAnnotations(undefined);
  assert.deepEqual([list.annotations(A), list.annotations(undefined)], [{}, {}]);
});

Deno.test("a platform that loses its last member is gone from the OCI form", () => {
  const list = filled(A);
  list.setOs(A, "");
  assert.deepEqual(list.ociV1().manifests![0]!.platform, { architecture: "amd64", os: "" });
  list.setArchitecture(A, "");
  assert.equal(list.ociV1().manifests![0]!.platform, undefined);
});

Deno.test("every call for an unknown instance fails with INSTANCE_NOT_FOUND and changes nothing", () => {
  const list = filled(A);
  const before = text(list.serialize());
  const acts: (() => unknown)[] = [
    () => list.remove(B),
    () => list.os(B),
    () => list.setOs(B, "x"),
    () => list.setAnnotations(B, {}),
    () => list.clearAnnotations(B),
    () => list.setFeatures(B, []),
    () => list.files(B).length || list.mediaType(B),
    () => list.setArtifactType("nonsense", "x"),
  ];
  for (const act of acts) assert.throws(act, { code: "INSTANCE_NOT_FOUND" });
  assert.throws(() => list.addInstance({ digest: "sha256:x", size: 1, mediaType: OCI }), { code: "INVALID_DIGEST" });
  for (const size of [-1, 1.5, NaN, 2 ** 53]) {
    assert.throws(() => list.addInstance({ digest: C, size, mediaType: OCI }), RangeError);
  }
  assert.equal(text(list.serialize()), before);
});

Deno.test("a setter refuses a value that could not be loaded again, and changes nothing", () => {
  const list = filled(A);
  const before = text(list.serialize());
  const subject = { mediaType: OCI, digest: A, size: 3 };
  const notText = [5, null, undefined, {}, ["x"], true];
  const notTexts = ["abc", 5, null, undefined, {}, [5], ["x", undefined], new Set(["x"])];
  const notAnnotations = [
    "abc",
    5,
    null,
    undefined,
    ["x"],
    { a: 5 },
    { a: undefined },
    { a: null },
    new Map([["a", "b"]]),
  ];
  // deno-lint-ignore no-explicit-any -- What types forbid is what is tested.
  const anyList = list as any;
  const added = { digest: B, size: 1, mediaType: OCI };
  const rows: [string, unknown[], (value: unknown) => unknown][] = [
    ...["setOs", "setArchitecture", "setOsVersion", "setVariant", "setMediaType", "setArtifactType"].map(
      (name): [string, unknown[], (value: unknown) => unknown] => [name, notText, (value) => anyList[name](A, value)],
    ),
    ["setArtifactType of the index", notText, (value) => anyList.setArtifactType(undefined, value)],
    ...["setUrls", "setFeatures", "setOsFeatures"].map(
      (name): [string, unknown[], (value: unknown) => unknown] => [name, notTexts, (value) => anyList[name](A, value)],
    ),
    ["setAnnotations", notAnnotations, (value) => anyList.setAnnotations(A, value)],
    ["setAnnotations of the index", notAnnotations, (value) => anyList.setAnnotations(undefined, value)],
    ["setSubject", [null, "abc", 5, [], {}], (value) => anyList.setSubject(value)],
    ["subject.mediaType", notText, (mediaType) => anyList.setSubject({ ...subject, mediaType })],
    ["subject.digest", notText, (digest) => anyList.setSubject({ ...subject, digest })],
    ["subject.urls", ["abc", 5, [5]], (urls) => anyList.setSubject({ ...subject, urls })],
    ["subject.annotations", ["abc", { a: 5 }], (annotations) => anyList.setSubject({ ...subject, annotations })],
    ["subject.data", ["abc", [1], {}], (data) => anyList.setSubject({ ...subject, data })],
    ["subject.platform", ["linux/amd64", { os: 5 }], (platform) => anyList.setSubject({ ...subject, platform })],
    ["subject.artifactType", [5, {}], (artifactType) => anyList.setSubject({ ...subject, artifactType })],
    ["mediaType of an instance", notText, (mediaType) => anyList.addInstance({ ...added, mediaType })],
    [
      "platform of an instance",
      [5, "linux", { os: 5 }, { variant: {} }, { osFeatures: "abc" }],
      (platform) => anyList.addInstance({ ...added, platform }),
    ],
    ["features of an instance", ["abc", [5], {}], (features) => anyList.addInstance({ ...added, features })],
    ["annotations of an instance", ["abc", { a: 5 }], (annotations) => anyList.addInstance({ ...added, annotations })],
  ];
  for (const [what, values, act] of rows) {
    for (const value of values) {
      assert.throws(() => act(value), { name: "TypeError", message: /^Cannot set / }, `${what} ${Deno.inspect(value)}`);
    }
  }
  for (const digest of ["sha256:x", "", "md5:abc", `sha256:${"A".repeat(64)}`]) {
    assert.throws(() => anyList.setSubject({ ...subject, digest }), { code: "INVALID_DIGEST" });
  }
  for (const size of [-1, 1.5, NaN, 2 ** 53, "3", undefined, null]) {
    assert.throws(() => anyList.setSubject({ ...subject, size }), RangeError);
    assert.throws(() => anyList.addInstance({ ...added, size }), RangeError);
  }
  assert.equal(text(list.serialize()), before);
});

Deno.test("values that setters accept are loaded again unchanged", () => {
  const list = filled(A);
  list.setMediaType(A, "");
  list.setUrls(A, [""]);
  list.setAnnotations(undefined, { "": "" });
  list.setSubject({
    mediaType: "",
    digest: list.instances()[0]!,
    size: 0,
    urls: ["https://x"],
    annotations: { a: "b" },
    data: new Uint8Array([1]),
    platform: { os: "linux", architecture: "" },
    artifactType: "t",
  });
  const copy = List.fromBlob(list.serialize());
  assert.deepEqual(copy.ociV1(), list.ociV1());
  assert.deepEqual(copy.subject(), list.subject());
});

Deno.test("subjects and views are copies", () => {
  const list = filled(A);
  const subject = { mediaType: OCI, digest: list.instances()[0]!, size: 3 };
  list.setSubject(subject);
  assert.notEqual(list.subject(), subject);
  assert.deepEqual(list.subject(), subject);
  (list.ociV1().manifests as unknown[]).pop();
  list.features(A).push("x");
  assert.deepEqual([list.size, list.features(A)], [1, []]);
  list.setSubject(undefined);
  assert.equal(list.subject(), undefined);
});

Deno.test("fromBlob() reads both formats and rejects manifests that are not lists", () => {
  const list = filled(A, B);
  list.setFeatures(B, ["sse"]);
  const docker = List.fromBlob(list.serialize(MEDIA_TYPES.dockerList));
  assert.deepEqual(docker.features(B), ["sse"]);
  assert.equal(text(docker.serialize(MEDIA_TYPES.ociIndex)), text(list.serialize(MEDIA_TYPES.ociIndex)));
  const bad: [string, string][] = [
    ["{", "INVALID_JSON"],
    ["{}", "NOT_A_MANIFEST_LIST"],
    [
      `{"schemaVersion":2,"mediaType":"${OCI}","config":{"mediaType":"x","digest":"${A}","size":1},"layers":[]}`,
      "NOT_A_MANIFEST_LIST",
    ],
    [`{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":{}}`, "INVALID_JSON"],
    [`{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":[],"manifests":[]}`, "INVALID_JSON"],
  ];
  for (const [blob, code] of bad) {
    assert.throws(() => List.fromBlob(new TextEncoder().encode(blob)), { code }, blob);
  }
});

Deno.test("a list with one digest twice keeps both entries until the digest is removed", () => {
  const entry = (os: string) =>
    `{"mediaType":"m","digest":"${A}","size":1,"platform":{"architecture":"amd64","os":"${os}"}}`;
  const blob = `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":[${entry("linux")},${
    entry("windows")
  }]}`;
  const list = List.fromBlob(new TextEncoder().encode(blob));
  assert.equal(text(list.serialize()), blob);
  assert.equal(list.os(A), "linux");
  list.remove(A);
  assert.equal(list.size, 0);
});

Deno.test("ten thousand instances are built, looked up and written", () => {
  const list = create();
  const digests = Array.from({ length: 10_000 }, (_, i) => `sha256:${i.toString(16).padStart(64, "0")}`);
  for (const digest of digests) {
    list.addInstance({ digest, size: 1, mediaType: OCI, platform: { os: "linux", architecture: "amd64" } });
  }
  for (const digest of digests) list.setAnnotations(digest, { n: digest.slice(-4) });
  for (const digest of digests.slice(0, 5_000)) list.remove(digest);
  const copy = List.fromBlob(list.serialize());
  assert.equal(copy.size, 5_000);
  assert.equal(copy.annotations(digests[9_999]!).n, "270f");
});
