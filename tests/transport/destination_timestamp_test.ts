/** The time that a push records for the files that it creates. */
import assert from "node:assert/strict";
import { copyImage, create } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/mod.ts";

/** Reads the modification times in the headers of an archive, in seconds since 1970. */
function readTimes(tar: Uint8Array): number[] {
  const times: number[] = [];
  const text = (at: number, length: number) =>
    new TextDecoder().decode(tar.subarray(at, at + length)).replace(/\0.*/, "");
  for (let at = 0; tar[at] !== 0;) {
    times.push(parseInt(text(at + 136, 12), 8));
    at += 512 + Math.ceil(parseInt(text(at + 124, 12), 8) / 512) * 512;
  }
  return times;
}

Deno.test("destinationTimestamp is the time of all members of an archive; 1970 by default", async () => {
  const folder = await Deno.makeTempDir();
  await Deno.writeTextFile(`${folder}/file`, "x");
  const list = create();
  const digest = await list.addArtifact([`${folder}/file`]);
  const time = new Date("2024-05-06T07:08:09.900Z");
  const archive = `${folder}/image.tar`;
  const pushed = { imageListSelection: "specific", instances: [digest], destinationTimestamp: time } as const;
  await list.push(`oci:${folder}/layout:1`);
  const write = async (destinationTimestamp?: Date) => {
    await Deno.remove(archive).catch(() => {});
    await copyImage(`oci:${folder}/layout:1`, `oci-archive:${archive}:1`, {
      signaturePolicy: acceptAnything,
      destinationTimestamp,
    });
    return await Deno.readFile(archive);
  };
  const [first, again, byDefault] = [await write(time), await write(time), await write()];
  const times = readTimes(first);
  assert.ok(times.length >= 6, String(times.length));
  assert.deepEqual([...new Set(times)], [Math.floor(time.getTime() / 1000)]);
  assert.deepEqual(again, first, "the same image and time give the same archive");
  assert.deepEqual([...new Set(readTimes(byDefault))], [0]);
  // Destinations that record no time accept the option.
  await list.push(`dir:${folder}/dir`, pushed);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a destinationTimestamp that is not a valid date is rejected", async () => {
  for (const destinationTimestamp of [new Date(NaN), 5, "2024-01-01"]) {
    await assert.rejects(create().push("dir:/none", { destinationTimestamp: destinationTimestamp as Date }), TypeError);
  }
});
