import assert from "node:assert/strict";
import * as node from "node:path";
import { fileURLToPath } from "node:url";
import * as path from "@std/path";

Deno.test("the stand-in of @std/path treats paths as node:path does", { ignore: Deno.build.os === "windows" }, () => {
  const paths = [
    "",
    "/",
    "a",
    "a/",
    "/a",
    "/a/b/",
    "a/b.ts",
    "./a/../b",
    "../a",
    "a/../..",
    "/..",
    ".",
    "..",
    "a b/\n",
  ];
  for (const one of paths) {
    assert.equal(path.basename(one), node.basename(one), one);
    assert.equal(path.dirname(one), node.dirname(one), one);
    assert.equal(path.isAbsolute(one), node.isAbsolute(one), one);
    for (const two of paths) {
      assert.equal(path.join(one, two), node.join(one, two), `${one} and ${two}`);
      assert.equal(path.resolve(one, two), node.resolve(one, two), `${one} and ${two}`);
    }
  }
  for (const url of ["file:///a/b%20c", "file:///a%25", "file:///%C3%A9/x.ts"]) {
    assert.equal(path.fromFileUrl(url), fileURLToPath(url));
  }
  assert.throws(() => path.fromFileUrl("https://example.org/a"), TypeError);
});
