import assert from "node:assert/strict";
import { pairInstances } from "../../web/compare.ts";

type Inspected = Parameters<typeof pairInstances>[0];

function inspected(...instances: { platform: string; digest: string; attests?: string }[]): Inspected {
  return { instances } as unknown as Inspected;
}

const attestation = (digest: string, attests: string) => ({ platform: "unknown/unknown", digest, attests });

Deno.test("the page compares the attestations of images for one platform", () => {
  const before = inspected(
    { platform: "linux/amd64", digest: "amd64" },
    { platform: "linux/arm64/v8", digest: "arm64" },
    attestation("of amd64", "amd64"),
    attestation("of arm64", "arm64"),
  );
  const after = inspected(
    { platform: "linux/arm64", digest: "new arm64" },
    { platform: "linux/riscv64", digest: "riscv64" },
    attestation("of riscv64", "riscv64"),
    attestation("of new arm64", "new arm64"),
  );
  const pairs = pairInstances(before, after).map(({ before, after }) => [before?.digest, after?.digest]);
  assert.deepEqual(pairs, [
    ["amd64", undefined],
    ["arm64", "new arm64"],
    ["of amd64", undefined],
    ["of arm64", "of new arm64"],
    [undefined, "riscv64"],
    [undefined, "of riscv64"],
  ]);
});
