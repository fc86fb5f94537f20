/** The forms in which `compose` reads names, sources and annotations. Nothing is started here. */
import assert from "node:assert/strict";
import { listAutoTags } from "../../src/cli/compose/auto_tags.ts";
import { parseAnnotationFile, parseAnnotationFlags } from "../../src/cli/compose/annotations.ts";
import { parseDescriptorFile } from "../../src/cli/compose/descriptor.ts";
import { type InputFlags, readInputs } from "../../src/cli/compose/inputs.ts";
import { parseNames } from "../../src/cli/compose/names.ts";
import { expandTemplate, parseSpecFile } from "../../src/release/room.ts";
import { parseDigestFile } from "../../src/system/local/room.ts";
import { folderTest } from "../support/folders.ts";

const HEX = "a".repeat(64), OTHER = "b".repeat(64);

Deno.test("names: lines, commas and JSON", () => {
  const rows: [text: string, names: string[]][] = [
    ["r/app:1\nr/app:latest\n", ["r/app:1", "r/app:latest"]],
    ["r/app:1, r/app:2 ,,\r\n\r\n latest", ["r/app:1", "r/app:2", "latest"]],
    ["", []],
    ['["r/app:1","r/app:2"]', ["r/app:1", "r/app:2"]],
    [
      ' {"tags":["r/app:1"],"tag-names":["1"],"labels":{"a":"b"},"annotations":["manifest:a=b"]}\n',
      ["r/app:1"],
    ],
    ['{"target":{"docker-metadata-action":{"tags":["r/app:1","s/app:1"],"args":{}},"base":{}}}', [
      "r/app:1",
      "s/app:1",
    ]],
  ];
  for (const [text, names] of rows) assert.deepEqual(parseNames(text, "tags", "--tags"), names);
  for (const text of ['{"labels":{}}', '{"tags":"r/app:1"}', "[1]", '{"tags":[', "{}"]) {
    assert.throws(() => parseNames(text, "tags", "--tags-from t.json"), /--tags-from t.json/, text);
  }
  assert.throws(() => parseNames("[", "tags", "--tags-from t.json"), {
    message: "Cannot parse --tags-from t.json: not JSON",
  });
});

Deno.test("digest files: names and metadata files; all others are refused by name", () => {
  const digest = `sha256:${HEX}`, other = `sha256:${OTHER}`;
  const rows: [name: string, text: string, digests: string[]][] = [
    [HEX, "anything", [digest]],
    [`sha256-${HEX}`, "", [digest]],
    ["amd64.json", JSON.stringify({ "containerimage.digest": digest, "image.name": "r/app" }), [digest]],
    ["made.json", JSON.stringify({ "containerimage.descriptor": { digest, size: 1 }, "image.name": "r" }), [digest]],
    [
      "bake.json",
      JSON.stringify({ a: { "containerimage.digest": digest }, b: { "containerimage.digest": other }, warnings: [] }),
      [digest, other],
    ],
  ];
  for (const [name, text, digests] of rows) assert.deepEqual(parseDigestFile(name, text), digests);
  const refused: [name: string, text: string, message: RegExp][] = [
    ["digests-amd64/", "", /"digests-amd64\/" is a folder: merge the artifacts/],
    [".DS_Store", "", /".DS_Store" is neither/],
    [HEX.slice(1), "", /neither a digest/],
    [HEX.toUpperCase(), "", /neither a digest/],
    ["x.json", "{", /"x.json" is not JSON/],
    ["x.json", "{}", /"x.json" has no containerimage.digest/],
  ];
  for (const [name, text, message] of refused) assert.throws(() => parseDigestFile(name, text), message);
});

Deno.test("templates: braces everywhere, or the words of manifest-tool once", () => {
  const rows: [template: string, platform: string, name: string, style?: "manifest-tool"][] = [
    ["r/app:1-{arch}{variant}", "linux/arm/v7", "r/app:1-armv7"],
    ["r/{arch}/app:1-{os}-{arch}", "linux/amd64", "r/amd64/app:1-linux-amd64"],
    ["r/win:{osversion}", "windows/amd64:10.0.20348.1", "r/win:10.0.20348.1"],
    ["r/app-ARCHVARIANT:OS", "linux/arm/v6", "r/app-armv6:linux", "manifest-tool"],
    ["r/app-ARCHVARIANT:1", "linux/amd64", "r/app-amd64:1", "manifest-tool"],
    ["r/ARCH/app:ARCH", "linux/amd64", "r/amd64/app:ARCH", "manifest-tool"],
    ["r/app:OSVERSION-OS", "windows/amd64:10.0.1", "r/app:10.0.1-windows", "manifest-tool"],
  ];
  for (const [template, platform, name, style] of rows) assert.equal(expandTemplate(template, platform, style), name);
  assert.throws(() => expandTemplate("r/app:{acrh}", "linux/amd64"), /did you mean \{arch\}/);
});

Deno.test("annotations in the grammar of buildx", () => {
  const { annotations, entryAnnotations } = parseAnnotationFlags([
    "a=1",
    "index:b=2=3",
    "index,manifest-descriptor:c=",
    "manifest-descriptor[linux/arm/v7]:d=4",
    "index[linux/amd64]:e=5",
    "org.example.key:with-colon=6",
  ]);
  const index = { a: "1", b: "2=3", c: "", e: "5", "org.example.key:with-colon": "6" };
  assert.deepEqual(annotations, index);
  assert.deepEqual(entryAnnotations, [{ annotations: { c: "" } }, {
    platform: "linux/arm/v7",
    annotations: { d: "4" },
  }]);
  const refused: [text: string, message: RegExp][] = [
    ["key", /no "=" found/],
    ["index:=v", /no key/],
    ["manifest:k=v", /annotate it when the image is built/],
    ["manifest,index:k=v", /annotate it when the image is built/],
    ["index-descriptor:k=v", /no other index/],
    ["indx:k=v", /did you mean index/],
    ["manifest-descriptor[arm]:k=v", /"arm" .* not a platform/],
  ];
  for (const [text, message] of refused) assert.throws(() => parseAnnotationFlags([text]), message, text);
});

Deno.test("annotation files: lines, JSON of docker/metadata-action and objects; those of manifests are left out", () => {
  const metadata = { tags: [], annotations: ["manifest:a=1", "index:a=1", "index:licenses="] };
  const rows: [text: string, annotations: Record<string, string>, ignored: number][] = [
    ["# comment\na=1\n\nindex:b=2\nmanifest:c=3\n", { a: "1", b: "2" }, 1],
    [JSON.stringify(metadata), { a: "1", licenses: "" }, 1],
    ['{"a":"1","x:y":"2"}', { a: "1", "x:y": "2" }, 0],
    ['{"annotations":{"a":"1"}}', { a: "1" }, 0],
    ['["a=1","index:b=2"]', { a: "1", b: "2" }, 0],
  ];
  for (const [text, annotations, ignored] of rows) {
    const read = parseAnnotationFile(text, "--annotations-from f");
    assert.deepEqual([read.annotations, read.ignored], [annotations, ignored]);
  }
  assert.throws(() => parseAnnotationFile('{"a":1}', "--annotations-from f"), /--annotations-from f/);
});

Deno.test("descriptor files: a reference, a digest, a descriptor or metadata", () => {
  const digest = `sha256:${HEX}`;
  const platform = { os: "windows", architecture: "amd64", "os.version": "10.0.1", "os.features": ["win32k"] };
  const rows: [text: string, source: object][] = [
    ["r/app:1\n", { image: "r/app:1" }],
    [`${digest}\n`, { image: digest }],
    [JSON.stringify({ digest, size: 3, mediaType: "x" }), { image: digest }],
    [
      JSON.stringify({ digest, platform, annotations: { a: "b" }, artifactType: "t/x" }),
      {
        image: digest,
        platform: { os: "windows", architecture: "amd64", osVersion: "10.0.1", osFeatures: ["win32k"] },
        annotations: { a: "b" },
        artifactType: "t/x",
      },
    ],
    [JSON.stringify({ "containerimage.descriptor": { digest }, "image.name": "r" }), { image: digest }],
  ];
  for (const [text, source] of rows) assert.deepEqual(parseDescriptorFile(text, "-f d"), source);
  for (
    const text of [
      "",
      "two words",
      "{}",
      '{"digest":"sha256:1"}',
      `{"digest":"${digest}","platfrom":{}}`,
      "{",
      `{"digest":"${digest}","platform":{"osversion":"1"}}`,
    ]
  ) assert.throws(() => parseDescriptorFile(text, "-f d"), /-f d/, text);
});

Deno.test("spec files of manifest-tool: all its keys, os.version, and no unknown ones", async () => {
  const text = `
image: r.example/app:1.0
tags: [latest, 1.20]
annotations: { a: b }
manifests:
  - image: r.example/app-arm:1
    platform: { architecture: arm, os: linux, variant: v7 }
  - image: r.example/app-win:1
    platform: { architecture: amd64, os: windows, osversion: 10.0.1, osfeatures: [win32k] }
  - image: r.example/app-win:2
    platform: { architecture: amd64, os: windows, os.version: "10.0.2" }
  - image: r.example/app-amd64:1
`;
  const windows = { os: "windows", architecture: "amd64" };
  assert.deepEqual(await parseSpecFile(text, "spec.yaml"), {
    names: ["r.example/app:1.0", "r.example/app:latest", "r.example/app:1.20"],
    annotations: { a: "b" },
    sources: [
      { image: "r.example/app-arm:1", platform: { os: "linux", architecture: "arm", variant: "v7" } },
      { image: "r.example/app-win:1", platform: { ...windows, osVersion: "10.0.1", osFeatures: ["win32k"] } },
      { image: "r.example/app-win:2", platform: { ...windows, osVersion: "10.0.2" } },
      { image: "r.example/app-amd64:1" },
    ],
  });
  const wrong = text.replace("variant: v7", "varaint: v7");
  await assert.rejects(parseSpecFile(wrong, "spec.yaml"), /spec\.yaml:7: .*varaint.*did you mean variant/);
  await assert.rejects(parseSpecFile(text.replace("osversion", "version"), "spec.yaml"), {
    code: "CONFIG_FILE_INVALID",
  });
  await assert.rejects(parseSpecFile("image: r/app:1\n", "spec.yaml"), /lacks the key "manifests"/);
});

folderTest("operands and flags are joined: bare tags, digests, folders, platforms", async (folder) => {
  await Deno.mkdir(`${folder}/digests`);
  for (const hex of [OTHER, HEX]) await Deno.writeTextFile(`${folder}/digests/${hex}`, "");
  await Deno.writeTextFile(`${folder}/d`, `sha256:${HEX}`);
  const rows: [operands: string[], flags: InputFlags, names: string[], sources: object[]][] = [
    [["r.example/app:a"], { tag: ["r.example/app:1", "latest"] }, ["r.example/app:1", "latest"], [{
      image: "r.example/app:a",
    }]],
    [["amd64", `sha256:${HEX}`], { tag: ["1", "2"], repository: "r.example/app" }, [
      "r.example/app:1",
      "r.example/app:2",
    ], [{ image: "r.example/app:amd64" }, { image: `r.example/app@sha256:${HEX}` }]],
    [[], { tags: ["r.example/app:1,latest"], digests: [`${folder}/digests`] }, ["r.example/app:1", "latest"], [
      { image: `r.example/app@sha256:${HEX}` },
      { image: `r.example/app@sha256:${OTHER}` },
    ]],
    [[], { tag: ["r.example/app:1"], file: [`${folder}/d`], as: ["linux/arm/v7=oci:layout"] }, ["r.example/app:1"], [
      { image: "oci:layout", platform: "linux/arm/v7" },
      { image: `r.example/app@sha256:${HEX}` },
    ]],
    [[], { tag: ["r.example/app:1"], template: "r.example/app:{arch}", platform: ["linux/amd64", "linux/arm64"] }, [
      "r.example/app:1",
    ], [
      { image: "r.example/app:amd64", expectedPlatform: "linux/amd64" },
      { image: "r.example/app:arm64", expectedPlatform: "linux/arm64" },
    ]],
  ];
  for (const [operands, flags, names, sources] of rows) {
    const inputs = await readInputs(operands, flags);
    assert.deepEqual([inputs.names, inputs.sources], [names, sources]);
    assert.deepEqual(inputs.platforms, undefined);
  }
  await Deno.mkdir(`${folder}/empty`);
  const refused: [operands: string[], flags: InputFlags, message: RegExp][] = [
    [[], { tag: ["latest"] }, /only a tag: add --repository/],
    [[`sha256:${HEX}`], { tag: ["r.example/a:1", "s.example/a:1"] }, /repository .* is not known/],
    [[], { tag: ["r.example/a:1"], digests: [`${folder}/empty`] }, /the folder is empty/],
    [[], { tag: ["r.example/a:1"], digests: [folder] }, /"(d|digests\/|empty\/)" is /],
    [[], { tag: ["r.example/a:1"], digests: [`${folder}/none`] }, /Cannot read the digests/],
    [[], { template: "r/app:{arch}" }, /--template requires --platform/],
    [[], { template: "r/app:ARCH", platform: ["linux/amd64", "linux/arm64"] }, /names one image for all platforms/],
    [[], { as: ["oci:layout"] }, /--as must be PLATFORM=SOURCE/],
    [[], { tagsFrom: ["-"], sourcesFrom: ["-"] }, /cannot both read standard input/],
  ];
  for (const [operands, flags, message] of refused) await assert.rejects(readInputs(operands, flags), message);
});

Deno.test("tags for a Git reference, as in Drone", async () => {
  const rows: [ref: string, tags: string[]][] = [
    ["refs/tags/v1.2.3", ["1", "1.2", "1.2.3"]],
    ["1.2.3", ["1", "1.2", "1.2.3"]],
    ["refs/tags/v0.2.3", ["0.2", "0.2.3"]],
    ["refs/tags/v1.2.3-rc.1", ["1.2.3-rc.1"]],
    ["refs/tags/v1.2.3+build.5", ["1", "1.2", "1.2.3"]],
    ["refs/heads/main", ["latest"]],
  ];
  for (const [ref, tags] of rows) assert.deepEqual(listAutoTags(ref), tags);
  for (const ref of ["refs/tags/nightly", "refs/pull/1/merge", ""]) assert.throws(() => listAutoTags(ref), /--ref/);
  const flags = { sources: ["r.example/app:a"], autoTag: true, ref: "v0.2.3" };
  const names = async (more: InputFlags) => (await readInputs([], { ...flags, ...more })).names;
  assert.deepEqual(await names({ tag: ["r.example/app"] }), ["r.example/app:0.2", "r.example/app:0.2.3"]);
  assert.deepEqual(await names({ tag: ["r.example/app:edge"] }), [
    "r.example/app:edge",
    "r.example/app:0.2",
    "r.example/app:0.2.3",
  ]);
  assert.deepEqual(await names({ repository: "r.example/b" }), ["r.example/b:0.2", "r.example/b:0.2.3"]);
  await assert.rejects(names({}), /requires --repository/);
  await assert.rejects(
    readInputs(["r.example/app:a"], { tag: ["r.example/app"], autoTag: true }),
    /requires --ref/,
  );
});
