import assert from "node:assert/strict";
import { flattenRooms } from "../../_tools/flatten_rooms.ts";

const FILES: Record<string, string> = {
  "src/a/room.ts": `export { one, type Two, three as drei } from "./one.ts";
export type { Four } from "./four.ts";
export {
  five,
} from "../b/mod.ts";
`,
  "src/a/one.ts": "export const one = 1, three = 3; export interface Two {}",
  "src/b/mod.ts": `export { fuenf as five } from "./five.ts";\nexport const six = 6;`,
  "src/b/five.ts": "export const fuenf = 5;",
};

const rows: [text: string, flat: string][] = [
  [`import { one } from "../a/room.ts";`, `import { one } from "../a/one.ts";`],
  [
    `import {
  drei,
  five as cinq,
  one,
} from "../a/room.ts";`,
    `import { three as drei, one } from "../a/one.ts";\nimport { fuenf as cinq } from "../b/five.ts";`,
  ],
  [`import { six } from "../b/mod.ts";`, `import { six } from "../b/mod.ts";`],
  [
    `export { five, one as eins } from "../a/room.ts";`,
    [
      `export { fuenf as five } from "../b/five.ts";`,
      `export { one as eins } from "../a/one.ts";`,
    ].join("\n"),
  ],
  [`import { one, type Two } from "../a/room.ts";`, `import { one } from "../a/one.ts";`],
  [`import { Four, Two } from "../a/room.ts";\nconst x = 1;`, `\nconst x = 1;`],
  [`import type { one } from "../a/room.ts";`, ""],
  [`import { parse } from "smol-toml";`, `import { parse } from "smol-toml";`],
  [`import { join } from "@std/path";`, `import { join } from "@std/path";`],
  [`const { one } = await import("../a/room.ts");`, `const { one } = await import("../a/room.ts");`],
  [` * import { one } from "../a/room.ts";`, ` * import { one } from "../a/room.ts";`],
];

Deno.test("imports of rooms become imports of the files that declare the names", () => {
  for (const [text, flat] of rows) {
    const read = (path: string) => path === "src/c/c.ts" ? text : FILES[path]!;
    assert.equal(flattenRooms("src/c/c.ts", read), flat);
  }
  const read = (path: string) => FILES[path]!;
  assert.equal(
    flattenRooms("src/a/room.ts", read),
    `export { one, three as drei } from "./one.ts";\n\nexport { fuenf as five } from "../b/five.ts";\n`,
  );
});
