import assert from "node:assert/strict";
import { type Descriptor, digestOf, type ErrorCode, MEDIA_TYPES } from "../../src/spec/room.ts";
import { createOciTransport } from "../../src/transport/oci/room.ts";
import { addLayoutImage, findLayoutImage, parseLayoutIndex } from "../../src/transport/oci/layout_index.ts";
import type { LayoutImage } from "../../src/transport/oci/name.ts";
import { describe, encode } from "../support/images.ts";

const oci = (text: string) => createOciTransport().parseReference(text);
const NAME = "org.opencontainers.image.ref.name";
const hex = (digest: string) => digest.slice(digest.indexOf(":") + 1);

Deno.test("oci references parse and print", () => {
  const good: [text: string, printed: string][] = [
    ["/a/b", "/a/b:"],
    ["/a/b:", "/a/b:"],
    ["/a/b:image", "/a/b:image"],
    ["a:quay.io/me/app:1.0", "a:quay.io/me/app:1.0"],
    ["a:x--y_z+1@b.c/d-e", "a:x--y_z+1@b.c/d-e"],
    ["a:@0", "a:@0"],
    ["a:@17", "a:@17"],
    ["a b/ü:x", "a b/ü:x"],
  ];
  for (const [text, printed] of good) {
    const reference = oci(text);
    assert.equal(reference.stringWithinTransport, printed);
    assert.equal(String(reference), `oci:${printed}`);
    assert.equal(String(oci(printed)), String(reference));
    assert.equal(reference.dockerReference, undefined);
  }
  const bad = [
    "",
    ":x",
    "a:a..b",
    "a:a/",
    "a:/a",
    "a:a//b",
    "a:ä",
    "a:a b",
    "a:-a",
    "a:a---b",
    "a:@",
    "a:@x",
    "a:@-1",
    "a:@1.5",
    "a:../b",
    "a:a\n",
  ];
  for (const text of bad) assert.throws(() => oci(text), { code: "INVALID_REFERENCE" }, text);
  assert.throws(() => oci(`a:${"a-".repeat(100_000)}`), { code: "INVALID_REFERENCE" });
});

Deno.test("an image is found by name, by position, or as the only one", () => {
  const entry = (i: number, name?: string, mediaType: string = MEDIA_TYPES.ociManifest): Descriptor => ({
    ...describe(mediaType, encode(`${i}`)),
    ...(name === undefined ? {} : { annotations: { [NAME]: name } }),
  });
  const cases: [entries: Descriptor[], image: LayoutImage, expected: number | ErrorCode][] = [
    [[entry(0)], undefined, 0],
    [[entry(0, "a")], undefined, 0],
    [[entry(0, "a", "application/x")], undefined, 0],
    [[], undefined, "NOT_FOUND"],
    [[entry(0), entry(1)], undefined, "INVALID_REFERENCE"],
    [[entry(0), entry(1)], { position: 1 }, 1],
    [[entry(0), entry(1)], { position: 2 }, "NOT_FOUND"],
    [[entry(0), entry(1, "a"), entry(2, "a")], { name: "a" }, 1],
    [[entry(0, "a", "application/x"), entry(1, "a", MEDIA_TYPES.dockerList)], { name: "a" }, 1],
    [[entry(0, "a", "application/x")], { name: "a" }, "MANIFEST_TYPE_NOT_SUPPORTED"],
    [[entry(0, "b")], { name: "a" }, "NOT_FOUND"],
    [[entry(0, "")], { name: "" }, "NOT_FOUND"],
  ];
  for (const [entries, image, expected] of cases) {
    const find = () => findLayoutImage({ text: "", entries }, image, "it");
    if (typeof expected === "number") assert.equal(find(), entries[expected]);
    else assert.throws(find, { code: expected });
  }
});

Deno.test("adding an image to an index moves its name and preserves unknown members", () => {
  const [a, b] = ["a", "b"].map((text) => describe(MEDIA_TYPES.ociManifest, encode(text))) as [Descriptor, Descriptor];
  const plain = ({ mediaType, digest, size }: Descriptor, more = "") =>
    `{"mediaType":"${mediaType}","digest":"${digest}","size":${size}${more}}`;
  const named = (descriptor: Descriptor, name: string) => plain(descriptor, `,"annotations":{"${NAME}":"${name}"}`);
  const index = (...entries: string[]) => `{"schemaVersion":2,"manifests":[${entries.join(",")}]}`;
  const foreign = plain(
    a,
    `,"platform":{"os":"linux","architecture":"arm64","x":1.50},"annotations":{"z":"1","${NAME}":"v1"},"y":[1e3]`,
  );
  const foreignLess = foreign.replace(`,"${NAME}":"v1"`, "");
  const cases: [what: string, before: string | undefined, added: Descriptor, name: string, after: string][] = [
    [
      "a first image",
      undefined,
      a,
      "v1",
      `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":[${named(a, "v1")}]}`,
    ],
    [
      "a first image without a name",
      undefined,
      a,
      "",
      `{"schemaVersion":2,"mediaType":"${MEDIA_TYPES.ociIndex}","manifests":[${plain(a)}]}`,
    ],
    ["another image", index(named(a, "v1")), b, "v2", index(named(a, "v1"), named(b, "v2"))],
    ["a name that moves", index(named(a, "v1")), b, "v1", index(plain(a), named(b, "v1"))],
    ["the same again", index(named(a, "v1")), a, "v1", index(named(a, "v1"))],
    ["a second name", index(named(a, "v1")), a, "v2", index(named(a, "v1"), named(a, "v2"))],
    ["a name for an entry without one", index(plain(b), plain(a)), a, "v1", index(plain(b), named(a, "v1"))],
    ["no name, already in the index", index(plain(a)), a, "", index(plain(a))],
    ["no name, already in the index with a name", index(named(a, "v1")), a, "", index(named(a, "v1"), plain(a))],
    [
      "a name that several had",
      index(named(a, "v1"), named(a, "v1")),
      b,
      "v1",
      index(plain(a), plain(a), named(b, "v1")),
    ],
    ["no entries", `{"schemaVersion":2,"manifests":null}`, a, "v1", index(named(a, "v1"))],
    ["no member", "{}", a, "v1", `{"manifests":[${named(a, "v1")}]}`],
    ["annotations that are null", index(plain(a, `,"annotations":null`)), a, "v1", index(named(a, "v1"))],
    [
      "members of others",
      `{"x":{"b":1,"a":2},${index(foreign).slice(1)}`,
      b,
      "v2",
      `{"x":{"b":1,"a":2},${index(foreign, named(b, "v2")).slice(1)}`,
    ],
    ["unknown members in an entry that loses its name", index(foreign), b, "v1", index(foreignLess, named(b, "v1"))],
    [
      "members of others in an entry that gets a name",
      index(foreignLess),
      a,
      "v1",
      index(foreign.replace(`"z":"1","${NAME}":"v1"`, `"${NAME}":"v1","z":"1"`)),
    ],
    [
      "white space and capitals",
      `{ "schemaVersion": 2,\n"Manifests": [ ${plain(a)} ] }\n`,
      b,
      "",
      `{"schemaVersion":2,"Manifests":[${plain(a)},${plain(b)}]}`,
    ],
  ];
  for (const [what, before, added, name, after] of cases) {
    const parsed = before === undefined ? undefined : parseLayoutIndex(encode(before), what);
    const bytes = addLayoutImage(parsed, added, name);
    assert.equal(new TextDecoder().decode(bytes), after, what);
    if (name) assert.equal(findLayoutImage(parseLayoutIndex(bytes, what), { name }, what).digest, added.digest);
  }
});

Deno.test("a malformed index is rejected", () => {
  const digest = digestOf(encode("a"));
  const entry = (members: string) => `{"schemaVersion":2,"manifests":[{${members}}]}`;
  const cases: Record<string, Uint8Array> = {
    "nothing": encode(""),
    "no JSON": encode("{"),
    "an array": encode("[]"),
    "entries that are none": encode(`{"manifests":{}}`),
    "a digest that leads elsewhere": encode(entry(`"digest":"sha256:../../../../etc/passwd","size":1`)),
    "an algorithm that leads elsewhere": encode(entry(`"digest":"../x:${hex(digest)}","size":1`)),
    "a digest that is too short": encode(entry(`"digest":"sha256:abcd","size":1`)),
    "a size that is negative": encode(entry(`"digest":"${digest}","size":-2`)),
    "a key twice": encode(entry(`"digest":"${digest}","digest":"${digest}","size":1`)),
    "more bytes than anybody needs": new Uint8Array(17 * 1024 * 1024),
  };
  for (const [what, bytes] of Object.entries(cases)) {
    assert.throws(() => parseLayoutIndex(bytes, what), { code: "LAYOUT_INVALID" }, what);
  }
});
