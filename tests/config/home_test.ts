import assert from "node:assert/strict";
import { userInfo } from "node:os";
import { findHome } from "../../src/config/files/room.ts";
import { setVariables } from "../support/environment.ts";

Deno.test("the home folder is HOME, or else that of the user in /etc/passwd", {
  ignore: Deno.build.os !== "linux",
}, () => {
  {
    using _ = setVariables({ HOME: "/elsewhere" });
    assert.equal(findHome(), "/elsewhere");
  }
  for (const HOME of ["", undefined]) {
    using _ = setVariables({ HOME });
    assert.equal(findHome(), userInfo().homedir);
  }
});

Deno.test("no other home folder is used if HOME may not be read", {
  permissions: { read: true, sys: ["uid"], env: false },
}, () => assert.equal(findHome(), undefined));
